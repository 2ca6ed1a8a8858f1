#!/bin/sh
# Draws every icon file from the SVG sources beside this script. The files are committed, so only a change to a
# drawing calls for it.
#
# Needs rsvg-convert (Debian: librsvg2-bin), convert (imagemagick) and png2icns (icnsutils).
set -eu
cd "$(dirname "$0")"

for tool in rsvg-convert convert png2icns; do
  command -v "$tool" >/dev/null || {
    echo "export.sh: $tool is missing; install librsvg2-bin, imagemagick and icnsutils" >&2
    exit 1
  }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# draw <source> <pixels> <file>
draw() {
  rsvg-convert --width "$2" --height "$2" "$1" --output "$3"
}

# Up to 32 pixels the drawing whose edges lie on pixels.
for size in 16 24 32; do
  draw deskbell-small.svg "$size" "$work/$size.png"
done
for size in 48 64 128 256 512 1024; do
  draw deskbell.svg "$size" "$work/$size.png"
done

cp "$work/32.png" 32x32.png
cp "$work/64.png" 64x64.png
cp "$work/128.png" 128x128.png
cp "$work/256.png" 128x128@2x.png
cp "$work/512.png" icon.png
# 32 pixels come first: that layer is the window's icon in a development build on Windows.
convert "$work/32.png" "$work/16.png" "$work/24.png" "$work/48.png" "$work/64.png" "$work/256.png" icon.ico
png2icns icon.icns "$work/16.png" "$work/32.png" "$work/48.png" "$work/128.png" "$work/256.png" "$work/512.png" \
  "$work/1024.png" >/dev/null

for state in online waiting offline; do
  draw "tray/$state.svg" 32 "tray/$state.png"
  draw "tray/$state.svg" 64 "tray/$state@2x.png"
done
