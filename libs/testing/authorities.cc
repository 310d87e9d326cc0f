#include "libs/testing/authorities.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace section55::testing {
namespace {

namespace fs = std::filesystem;

void Run(const std::string& command) {
  if (std::system(fmt::format("({}) >/dev/null 2>&1", command).c_str()) != 0) {
    fmt::print(stderr, "Certificates for this test cannot be made: {}\n", command);
    std::abort();
  }
}

}  // namespace

Authorities::Authorities() {
  std::string folder = fs::temp_directory_path() / "section55-pki-XXXXXX";
  root_ = mkdtemp(folder.data());
  MakeAuthority("ca");
  MakeAuthority("other-ca");
}

Authorities::~Authorities() { fs::remove_all(root_); }

std::string Authorities::Folder(const std::string& folder, const std::string& name, const std::string& authority,
                                const std::string& trusted, const std::string& uris) {
  const fs::path path = root_ / folder;
  fs::create_directory(path);
  std::ofstream(path / "extensions") << fmt::format("subjectAltName={},DNS:localhost,IP:127.0.0.1\n",
                                                    uris.empty() ? "URI:spiffe://section55/" + name : uris);
  Run(fmt::format(
      "cd {} && openssl ecparam -name prime256v1 -genkey -noout -out key.pem && openssl req -new -key key.pem -subj "
      "/CN={} "
      "-out request && openssl x509 -req -in request -CA ../{}.pem -CAkey ../{}.key -CAcreateserial -days 2 -extfile "
      "extensions -out certificate.pem && cp ../{}.pem ca.pem",
      path.string(), name, authority, authority, trusted));
  return path;
}

void Authorities::MakeAuthority(const std::string& name) {
  Run(
      fmt::format("cd {} && openssl ecparam -name prime256v1 -genkey -noout -out {}.key && openssl req -x509 -new -key "
                  "{}.key -subj "
                  "/CN={} -days 2 -out {}.pem",
                  root_.string(), name, name, name, name));
}

}  // namespace section55::testing
