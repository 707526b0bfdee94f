#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Install what is needed to build kvmw, to test it and to run the lab.  If everything is
# installed already, this does nothing, quickly and without network.
set -eu

# NAME|OTHER: whichever this distribution has.
# Each list: to build, to test, for the lab (tests/lab).
debian="
gcc make clang llvm lld libc6-dev libbpf-dev bpftool|linux-tools-common libelf-dev libdw-dev
zlib1g-dev liblz4-dev libmicrohttpd-dev libncurses-dev libtraceevent-dev libzstd-dev libjson-c-dev pkg-config asciidoctor man-db
libiberty-dev libcmocka-dev libclang-rt-VERSION-dev|libclang-common-VERSION-dev file jq python3 python3-pytest python3-pytest-xdist
python3-pytest-timeout python3-hypothesis universal-ctags git clang-tidy cppcheck shellcheck valgrind libc6-dbg
python3-zstandard python3-jsonschema python3-prometheus-client prometheus linux-perf|linux-tools-generic trace-cmd libcap2-bin bsdextrautils procps
util-linux binutils less systemd tmux zsh debhelper rpm
debian-archive-keyring qemu-system-x86 seabios ipxe-qemu bochs bochsbios vgabios bochs-term
isolinux syslinux-common xorriso busybox-static kmod cpio xz-utils zstd e2fsprogs strace
"
fedora="
gcc make clang llvm lld binutils-devel glibc-devel libbpf-devel bpftool elfutils-libelf-devel elfutils-devel
zlib-devel lz4-devel libmicrohttpd-devel ncurses-devel libtraceevent-devel libzstd-devel json-c-devel pkgconf-pkg-config
rubygem-asciidoctor man-db
ctags git clang-tools-extra cppcheck ShellCheck valgrind
libcmocka-devel compiler-rt libasan libubsan file jq python3 python3-pytest python3-pytest-xdist
python3-pytest-timeout python3-hypothesis python3-zstandard python3-jsonschema python3-prometheus_client perf
trace-cmd libcap procps-ng util-linux binutils less systemd tmux zsh debhelper rpm-build
debian-keyring apt dpkg qemu-system-x86-core seabios-bin ipxe-roms-qemu bochs bochs-bios
vgabios syslinux syslinux-nonlinux xorriso busybox kmod cpio xz zstd e2fsprogs strace
"

die()
{
	echo "deps: $*" >&2
	exit 1
}

need_root()
{
	[ "$(id -u)" = 0 ] || die "not installed: $*; run this as root: sudo make deps"
}

with_apt()
{
	version=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
	[ -n "$version" ] || version=14
	installed=$(dpkg-query -W -f '${db:Status-Abbrev}${binary:Package}\n' 2>/dev/null |
		sed -n 's/^.i *//p' | sed 's/:.*//')
	missing=
	for names in $(echo "$debian" | sed "s/VERSION/$version/g"); do
		found=
		for name in $(echo "$names" | tr '|' ' '); do
			if echo "$installed" | grep -qx "$name"; then
				found=$name
			fi
		done
		[ -n "$found" ] || missing="$missing $names"
	done
	[ -n "$missing" ] || return 0

	need_root "$missing"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update || echo "deps: apt-get update failed; using the existing package lists" >&2
	choice=
	for names in $missing; do
		chosen=
		for name in $(echo "$names" | tr '|' ' '); do
			if [ -z "$chosen" ] && apt-cache policy "$name" | grep -q 'Candidate: [0-9]'; then
				chosen=$name
			fi
		done
		[ -n "$chosen" ] || die "apt knows no package $names; is the main (Ubuntu: universe) section configured?"
		choice="$choice $chosen"
	done
	# shellcheck disable=SC2086 # packages
	apt-get -q -y --no-install-recommends install $choice || die "apt-get could not install:$choice"
}

with_dnf()
{
	missing=
	for name in $fedora; do
		rpm -q --quiet --whatprovides "$name" || missing="$missing $name"
	done
	[ -n "$missing" ] || return 0
	need_root "$missing"
	# shellcheck disable=SC2086 # packages
	dnf -y --setopt=install_weak_deps=False install $missing || die "dnf could not install:$missing"
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null && [ -s /var/lib/dpkg/status ]; then
	with_apt
elif command -v dnf >/dev/null; then
	with_dnf
else
	die "found neither apt-get nor dnf; scripts/deps.sh lists the packages to install by hand"
fi
