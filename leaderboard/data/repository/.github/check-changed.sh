#!/usr/bin/env bash
# Checks every submission that differs from the commit $1, and writes the report $2 (Markdown). Fails where one has problems.
# The benchmark is read from the folder data/, where there is one; else the packaged sample is used.
set -euo pipefail
base=$1
report=$2
data=()
if [ -d data ]; then data=(--data data); fi

# Names are taken with -z: a file's name may hold blanks, line ends, quotes or a leading dash.
folders=()
while IFS= read -r -d '' path; do
  rest=${path#submissions/}
  if [ "$rest" = .gitkeep ]; then continue; fi
  folder="submissions/${rest%%/*}"
  # A submission that the change removes needs no check.
  if [ ! -e "$folder" ] && [ ! -L "$folder" ]; then continue; fi
  known=no
  for other in ${folders[@]+"${folders[@]}"}; do if [ "$other" = "$folder" ]; then known=yes; fi; done
  if [ "$known" = no ]; then folders+=("$folder"); fi
done < <(git diff --name-only --no-renames -z "$base" HEAD -- submissions)

if [ ${#folders[@]} -eq 0 ]; then
  echo "No submission was added or changed." > "$report"
  exit 0
fi
# Symbolic links would lead the checker out of the folder; biobench refuses them by itself.
biobench submit --check ${data[@]+"${data[@]}"} --format markdown --out "$report" -- "${folders[@]}"
