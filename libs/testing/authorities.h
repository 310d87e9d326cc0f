// Certificate authorities for tests of the network itself, in process; those of the whole suite are made as an operator makes them
// (suite.h).
#pragma once

#include <filesystem>
#include <string>

namespace section55::testing {

// Two certificate authorities, "ca" and "other-ca", and the certificate folders of services, made by the openssl program in a folder
// that goes with this. Ends the test program with a sentence when it cannot. Not thread-safe.
class Authorities {
 public:
  Authorities();
  ~Authorities();
  Authorities(const Authorities&) = delete;
  Authorities& operator=(const Authorities&) = delete;

  // Makes the folder `folder` with certificate.pem, key.pem and ca.pem for the service `name` on this machine, signed by `authority`,
  // trusting `trusted`; `uris` stand in the certificate instead of the service's own. Returns its path.
  std::string Folder(const std::string& folder, const std::string& name, const std::string& authority = "ca",
                     const std::string& trusted = "ca", const std::string& uris = "");

  // Where the authorities' certificates lie, "ca.pem" and "other-ca.pem", and the folders.
  const std::filesystem::path& root() const { return root_; }

 private:
  void MakeAuthority(const std::string& name);

  std::filesystem::path root_;
};

}  // namespace section55::testing
