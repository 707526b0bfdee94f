# SPDX-License-Identifier: GPL-2.0
# Completion of kvmw in bash.  kvmw itself knows what there is: builtin-complete.c.

# shellcheck disable=SC2207 # compgen prints a name a line; bash-completion sets IFS

# COMP_WORDS, but whole: bash splits words at = and : too.
_kvmw_words()
{
	local i word rest=$COMP_LINE

	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $i == 0 || $rest == [[:blank:]]* ]]; then
			words+=("$word")
		else
			words[-1]+=$word
		fi
		rest=${rest#"${rest%%[![:blank:]]*}"}
		rest=${rest#"$word"}
	done
}

# Where bash lists what there is, it lists what each word means, too.
_kvmw_describe()
{
	local i

	[[ ${#COMPREPLY[@]} -gt 1 && ( $COMP_TYPE == 63 || $COMP_TYPE == 33 ) ]] || return
	for i in "${!COMPREPLY[@]}"; do
		printf -v 'COMPREPLY[i]' '%-16s  (%s)' "${COMPREPLY[i]}" "${docs[i]}"
		COMPREPLY[i]=${COMPREPLY[i]:0:${COLUMNS:-80}-1}
	done
}

_kvmw()
{
	local words word doc typed kept docs=()

	_kvmw_words
	typed=${words[-1]}
	COMPREPLY=()
	while IFS=$'\t' read -r word doc; do
		case $word in
		:recording)
			typed=${typed#--*=}
			COMPREPLY=($(compgen -f -X '!*.kvmw' -- "$typed"; compgen -d -- "$typed"
				     compgen -f -X '!*kvmw*.data*' -- "$typed"))
			compopt -o filenames 2>/dev/null
			return
			;;
		:command)
			COMPREPLY=($(compgen -c -- "$typed"))
			return
			;;
		:file)
			COMPREPLY=($(compgen -f -- "$typed"))
			compopt -o filenames 2>/dev/null
			return
			;;
		*)
			# The name of a VM may be anything, a command as well.
			if [[ $word == *[^[:alnum:]_.,:=@%+/-]* ]]; then
				printf -v word %q "$word"
			fi
			COMPREPLY+=("$word")
			docs+=("$doc")
			;;
		esac
	done < <("${words[0]/#\~/$HOME}" --complete "${words[@]:1}" 2>/dev/null)

	# bash replaces what stands behind the last = or : only.
	kept=${typed%"${typed##*[=:]}"}
	COMPREPLY=("${COMPREPLY[@]#"$kept"}")
	if [[ ${COMPREPLY[0]} == *= ]]; then
		compopt -o nospace 2>/dev/null
	fi
	_kvmw_describe
}

complete -F _kvmw kvmw perf-kvmw
