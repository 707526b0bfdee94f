# SPDX-License-Identifier: GPL-2.0
#
#   make                 build ./kvmw                  (V=1 shows the commands)
#   make man             the man pages, in doc/
#   make install         PREFIX=/usr/local DESTDIR=; make uninstall reverts it
#   make dist            pack the last commit as kvmw-VERSION.tar.gz
#   make test            all tests that need neither root nor the lab, within a minute
#   make lint            what other compilers and analyzers find
#   sudo make deps       install the packages needed to build and to test
#   sudo make demo       record a running guest and report it
#   sudo make check      all tests                     (tests/Makefile.tests: parts of it)
#
# O=DIR puts everything built into DIR.
# Packages: dpkg-buildpackage -b -us -uc, or rpmbuild with packaging/kvmw.spec.

O	?= .
PREFIX	?= /usr/local
CC	?= gcc
CLANG	?= clang
LLVM_OBJCOPY ?= llvm-objcopy
BPFTOOL	?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
V	?= 0
Q	:= $(if $(filter 1,$(V)),,@)
say	= $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' $(1) '$(2)')

OBJ	:= $(O)/obj
VERSION	:= $(shell cat VERSION)
PKGS	:= libbpf libdw libelf liblz4 libtraceevent libzstd json-c ncursesw zlib

# Only the targets that compile ask pkg-config.
CFLAGS	?= -O2 -g
WARN	:= -Wall -Wextra -Werror -Wno-unused-parameter -Wmissing-prototypes -Wstrict-prototypes \
	  -Wold-style-definition -Wnested-externs -Wredundant-decls -Wshadow -Wvla -Wwrite-strings \
	  -Wformat=2 -Wpointer-arith -Wundef

# Options that the compiler lacks are dropped; it is asked once, before compiling anything. A level
# of _FORTIFY_SOURCE unknown to the C library means its highest one. Sanitizers replace all of it.
harden-try := -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection -ftrivial-auto-var-init=zero
harden-has = $(foreach f,$(harden-try),$(shell $(CC) -Werror $(f) -c -x c -o /dev/null /dev/null 2>/dev/null && echo $(f)))
harden-all = $(harden-has) $(if $(filter-out -O0,$(filter -O%,$(CFLAGS))),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
harden	= $(if $(SAN),,$(eval harden := $(harden-all))$(harden))
ldflags	= $(LDFLAGS) $(if $(SAN),,-pie -Wl,-z,relro,-z,now,-z,noexecstack)

base-cflags = $(CFLAGS) $(WARN) -std=gnu11 -fno-omit-frame-pointer -D_GNU_SOURCE -DKVMW_VERSION='"$(VERSION)"' \
	  -I. -I$(OBJ) -pthread $(shell $(PKG_CONFIG) --cflags $(PKGS)) $(san)
cflags	= $(base-cflags) $(harden)
libs	= $(shell $(PKG_CONFIG) --libs $(PKGS)) -liberty -lm -pthread
san	= $(if $(SAN),-fsanitize=address$(,)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
,	:= ,

all: $(O)/kvmw

# Each folder's Build file lists its objects and its subfolders in kvmw-y.
objs	:=
define walk
kvmw-y :=
include $(1)Build
objs += $$(addprefix $(OBJ)/$(1),$$(filter %.o,$$(kvmw-y)))
subdirs-$(1) := $$(filter %/,$$(kvmw-y))
$$(foreach d,$$(subdirs-$(1)),$$(eval $$(call walk,$(1)$$(d))))
endef
$(eval $(call walk,))

lib-objs := $(filter-out $(OBJ)/kvmw.o,$(objs))

$(O)/kvmw: $(OBJ)/kvmw.o $(OBJ)/libkvmw.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(cflags) $(ldflags) -o $@ $^ $(libs)

$(OBJ)/libkvmw.a: $(lib-objs)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(OBJ)/%.o: %.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(cflags) -MMD -MP -c -o $@ $<

$(OBJ)/%.o: %.S
	$(call say,AS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(cflags) -MMD -MP -c -o $@ $<

include bpf_skel/Makefile.bpf
include tests/Makefile.tests
include tests/Makefile.lint
include Documentation/Makefile.doc

-include $(objs:.o=.d)

$(OBJ)/kvmw.o $(OBJ)/util/capture/meta.o: VERSION

bindir	= $(DESTDIR)$(PREFIX)/bin
mandir	= $(DESTDIR)$(PREFIX)/share/man
bashdir	= $(DESTDIR)$(PREFIX)/share/bash-completion/completions
zshdir	= $(DESTDIR)$(PREFIX)/share/zsh/site-functions
datadir	= $(DESTDIR)$(PREFIX)/share/kvmw
unitdir	= $(DESTDIR)$(PREFIX)/lib/systemd/system

install: all man
	install -d $(bindir) $(mandir)/man1 $(mandir)/man5 $(mandir)/man7 $(bashdir) $(zshdir) $(datadir) $(unitdir)
	install -m 755 $(O)/kvmw $(bindir)/kvmw
	ln -sf kvmw $(bindir)/perf-kvmw
	install -m 644 $(man-1) $(mandir)/man1
	ln -sf kvmw.1 $(mandir)/man1/perf-kvmw.1
	install -m 644 $(man-5) $(mandir)/man5
	install -m 644 $(man-7) $(mandir)/man7
	install -m 644 completion/kvmw.bash $(bashdir)/kvmw
	install -m 644 completion/_kvmw $(zshdir)/_kvmw
	install -m 644 packaging/magic $(datadir)/magic
	install -m 644 Documentation/kvmw.schema.json $(datadir)/kvmw.schema.json
	sed 's|@bindir@|$(PREFIX)/bin|' packaging/kvmw-recorder.service.in >$(unitdir)/kvmw-recorder.service
	chmod 644 $(unitdir)/kvmw-recorder.service

uninstall:
	rm -f $(bindir)/kvmw $(bindir)/perf-kvmw $(mandir)/man1/perf-kvmw.1 \
		$(addprefix $(mandir)/man1/,$(notdir $(man-1))) \
		$(addprefix $(mandir)/man5/,$(notdir $(man-5))) \
		$(addprefix $(mandir)/man7/,$(notdir $(man-7))) $(bashdir)/kvmw $(zshdir)/_kvmw \
		$(datadir)/magic $(datadir)/kvmw.schema.json $(unitdir)/kvmw-recorder.service
	[ ! -d $(datadir) ] || rmdir --ignore-fail-on-non-empty $(datadir)

dist:
	@[ -e .git ] || { echo "make dist packs a commit, but this is not a git work tree" >&2; exit 1; }
	@mkdir -p $(O)
	git archive --prefix=kvmw-$(VERSION)/ -o $(O)/kvmw-$(VERSION).tar.gz HEAD

deps:
	@scripts/deps.sh

demo: all
	@scripts/demo.sh $(O)/kvmw

clean:
	rm -rf $(OBJ) $(O)/kvmw $(O)/doc

.PHONY: all install uninstall dist deps demo clean
.DELETE_ON_ERROR:
