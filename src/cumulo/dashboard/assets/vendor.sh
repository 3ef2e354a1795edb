#!/bin/sh
# Brings the vendored assets anew, at their pinned versions, with their licences; run by hand.
set -eu
cd "$(dirname "$0")"
novnc=1.7.0
folder=$(mktemp -d)
npm pack --silent --pack-destination "$folder" "@novnc/novnc@$novnc" >/dev/null
tar xzf "$folder/novnc-novnc-$novnc.tgz" -C "$folder"
rm -rf novnc
mkdir novnc
for each in core vendor LICENSE.txt AUTHORS; do mv "$folder/package/$each" novnc/; done
rm -rf "$folder"
