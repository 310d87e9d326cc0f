#!/usr/bin/env bash
# Installs from Debian what building, testing and running needs and this machine lacks. Says nothing when nothing is missing.
#
#   deploy/local/install-packages.sh [tests|lint]...     for building and running, and for what is named
set -euo pipefail

packages=(
  # building
  g++ cmake ninja-build make ccache pkg-config
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc grpc-proto golang-github-gogo-googleapis-dev
  libabsl-dev libmysqlcppconn-dev libsqlite3-dev libfmt-dev prometheus-cpp-dev nlohmann-json3-dev
  libcmark-gfm-dev libcmark-gfm-extensions-dev libkainjow-mustache-dev libcpp-httplib-dev libssl-dev
  libmicrohttpd-dev zlib1g-dev libutf8proc-dev libcsv-dev libdtl-dev
  libpango1.0-dev libharfbuzz-dev libqpdf-dev libzip-dev libpugixml-dev
  libjemalloc-dev libxxhash-dev libgtest-dev libgmock-dev
  # running
  openssl tzdata curl ca-certificates
  fonts-noto-core fonts-noto-mono
)
commands=()
for extra in "$@"; do
  case $extra in
    tests)
      packages+=(mariadb-server-core mariadb-client clang-format shellcheck qpdf poppler-utils)
      # A Node.js from elsewhere brings its own npm and conflicts with Debian's, so these go by the command.
      commands+=(node:nodejs npm:npm)
      ;;
    lint) packages+=(clang-tidy) ;;
    *) echo "install-packages.sh: there is no extra \"$extra\"; there are tests and lint." >&2 && exit 1 ;;
  esac
done

missing=()
for package in "${packages[@]}"; do
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || missing+=("$package")
done
for command in "${commands[@]}"; do
  command -v "${command%:*}" >/dev/null || missing+=("${command#*:}")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

as_root=()
if [[ $EUID -ne 0 ]]; then
  command -v sudo >/dev/null || {
    echo "install-packages.sh: these packages are missing, and there is no sudo to install them with: ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
apt_get() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@"; }

echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt_get update && apt_get install --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
  cat "$log" >&2
  echo "install-packages.sh: apt-get could not install the packages; what it said stands above." >&2
  exit 1
fi
