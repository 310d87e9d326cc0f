// "mysql://USER@HOST[:PORT][,HOST[:PORT]].../NAME[?OPTION=VALUE[&OPTION=VALUE]...]"
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "libs/base/address.h"
#include "libs/base/status.h"
#include "libs/db/internal.h"

namespace section55::db::internal {
namespace {

constexpr std::string_view kScheme = "mysql://";
constexpr std::string_view kForms =
    "write mysql://USER@HOST[:PORT][,HOST[:PORT]].../NAME?tls=verify&ca=FILE, or mysql://USER@/NAME?socket=PATH";

// Everything before the first `separator`, which it removes with that from `rest`; all of it when there is none.
std::string_view Before(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
  return part;
}

// What is wrong with it; empty if nothing.
std::string_view ParseHosts(std::string_view hosts, MysqlAddress& address) {
  while (!hosts.empty()) {
    std::string_view name = Before(hosts, ',');
    MysqlAddress::Host host;
    // A colon inside brackets belongs to an IPv6 address.
    if (const size_t colon = name.rfind(':'); colon != name.npos && name.find(']', colon) == name.npos) {
      const std::string_view port = name.substr(colon + 1);
      const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), host.port);
      if (error != std::errc() || end != port.data() + port.size() || host.port < 1 || host.port > 65535) {
        return "its port is not a number from 1 to 65535";
      }
      name = name.substr(0, colon);
    }
    if (name.empty()) {
      return kForms;
    }
    host.name = name;
    address.hosts.push_back(std::move(host));
  }
  return {};
}

// What is wrong with them; empty if nothing.
std::string ParseOptions(std::string_view options, MysqlAddress& address) {
  std::string tls;
  const std::map<std::string_view, std::string*> known = {{"socket", &address.socket},
                                                          {"tls", &tls},
                                                          {"ca", &address.ca},
                                                          {"cert", &address.certificate},
                                                          {"key", &address.key}};
  while (!options.empty()) {
    std::string_view value = Before(options, '&');
    const auto option = known.find(Before(value, '='));
    if (option == known.end() || value.empty() || !option->second->empty()) {
      return std::string(kForms);
    }
    *option->second = value;
  }
  if (address.hosts.empty() == address.socket.empty()) {
    return std::string(kForms);
  }
  const bool near = std::all_of(address.hosts.begin(), address.hosts.end(),
                                [](const MysqlAddress::Host& host) { return base::IsLoopbackHost(host.name); });
  if (tls.empty() && !near) {
    return "a connection that leaves this machine is encrypted: add tls=verify and ca=FILE (the certificate of who "
           "signed the server's), or tls=off to say that it shall not be";
  }
  if (tls.empty() || tls == "off") {
    address.tls = MysqlAddress::Tls::kOff;
  } else if (tls == "required") {
    address.tls = MysqlAddress::Tls::kRequired;
  } else if (tls == "verify") {
    address.tls = MysqlAddress::Tls::kVerify;
  } else {
    return "its tls is not verify, required or off";
  }
  if (address.tls != MysqlAddress::Tls::kOff && !address.socket.empty()) {
    return "a socket does not leave this machine and takes no tls";
  }
  if ((address.tls == MysqlAddress::Tls::kVerify) == address.ca.empty()) {
    return "tls=verify, and only that, goes with ca=FILE, the certificate of who signed the server's";
  }
  if (address.certificate.empty() != address.key.empty() ||
      (!address.key.empty() && address.tls == MysqlAddress::Tls::kOff)) {
    return "cert=FILE and key=FILE go together, and with tls";
  }
  for (const std::string& file : {address.ca, address.certificate, address.key}) {
    if (!file.empty() && access(file.c_str(), R_OK) != 0) {
      return fmt::format("the file {} cannot be read: create it, or let this user read it", file);
    }
  }
  return {};
}

}  // namespace

absl::Status UnusableUrl(std::string_view url, std::string_view why) {
  return base::Error(absl::StatusCode::kInvalidArgument, "DATABASE_URL",
                     fmt::format("the database URL \"{}\" cannot be used: {}", url, why));
}

std::string WithoutPassword(std::string_view url) {
  const size_t begin = url.find("://");
  const size_t at = url.rfind('@');
  if (begin == url.npos || at == url.npos || at < begin) {
    return std::string(url);
  }
  const size_t colon = url.find(':', begin + 3);
  return colon < at ? fmt::format("{}***{}", url.substr(0, colon + 1), url.substr(at)) : std::string(url);
}

absl::StatusOr<MysqlAddress> ParseMysqlUrl(std::string_view url) {
  const std::string shown = WithoutPassword(url);
  std::string_view rest = url.substr(kScheme.size());
  MysqlAddress address;
  const size_t at = rest.rfind('@');
  if (at == rest.npos || at == 0) {
    return UnusableUrl(shown, kForms);
  }
  address.user = rest.substr(0, at);
  if (address.user.find(':') != std::string::npos) {
    return UnusableUrl(shown,
                       "a password does not belong in it; put the password in a file and name that as password file");
  }
  rest.remove_prefix(at + 1);
  std::string_view options = rest;
  rest = Before(options, '?');
  if (rest.find('/') == rest.npos) {
    return UnusableUrl(shown, kForms);
  }
  if (const std::string_view wrong = ParseHosts(Before(rest, '/'), address); !wrong.empty()) {
    return UnusableUrl(shown, wrong);
  }
  address.name = rest;
  if (address.name.empty() || address.name.find('/') != std::string::npos) {
    return UnusableUrl(shown, kForms);
  }
  if (const std::string wrong = ParseOptions(options, address); !wrong.empty()) {
    return UnusableUrl(shown, wrong);
  }
  return address;
}

}  // namespace section55::db::internal
