#!/usr/bin/env bash
# Checks every submission that differs from the commit $1, and writes the report $2 (Markdown). Fails where one has problems.
# The benchmark is read from the folder data/, where there is one; else the packaged sample is used.
set -euo pipefail
base=$1
report=$2
data=()
if [ -d data ]; then data=(--data data); fi

if [ -L submissions ] || [ ! -d submissions ]; then
  echo "The folder submissions is gone, or no folder any more." > "$report"
  exit 2
fi

# Into a file, not a pipe: a comparison that fails must not look like one that found nothing.
changed=$(mktemp)
trap 'rm -f "$changed"' EXIT
git diff --name-only --no-renames -z "$base" HEAD -- submissions > "$changed"

# Names are taken with -z: a file's name may hold blanks, line ends, quotes or a leading dash.
folders=()
removed=0
last=
while IFS= read -r -d '' path; do
  rest=${path#submissions/}
  if [ "$rest" = .gitkeep ]; then continue; fi
  folder="submissions/${rest%%/*}"
  if [ "$folder" = "$last" ]; then continue; fi # git sorts them: the files of a folder stand together
  last=$folder
  if [ -e "$folder" ] || [ -L "$folder" ]; then folders+=("$folder"); else removed=$((removed + 1)); fi
done < "$changed"

status=0
if [ ${#folders[@]} -eq 0 ]; then
  echo "No submission was added or changed." > "$report"
else
  biobench submit --check ${data[@]+"${data[@]}"} --format markdown --out "$report" -- "${folders[@]}" || status=$?
fi
if [ "$removed" -gt 0 ] && [ -f "$report" ]; then
  printf '\nSubmissions that this change removes: %d.\n' "$removed" >> "$report"
fi
exit "$status"
