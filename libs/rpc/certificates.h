// The certificates of a service: a folder with certificate.pem, key.pem and ca.pem. Read, checked, and looked at again every second.
#pragma once

#include <grpcpp/security/tls_certificate_provider.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace section55::rpc {

// What the folder holds, in PEM form.
struct Certificates {
  std::string certificate;
  std::string key;
  std::string authorities;
  absl::Time expires;  // of certificate.pem
};

// Reads and checks the folder: the three files can be read, the key belongs to the certificate, the certificate is valid at `now`, it is
// signed by an authority of ca.pem, and it names one service of the suite, `service_name` unless that is empty. The error is one
// sentence for the operator; gRPC itself would start and refuse every handshake.
absl::StatusOr<Certificates> ReadCertificates(const std::string& folder, std::string_view service_name, absl::Time now);

// Gives gRPC what the folder holds, for as long as the process runs, and what it holds later: changes are looked for every second, swap the
// folder by renaming a symlink. What cannot be used is not taken: the old stays in use, and the log says why. `service_name` as above,
// for what comes later. One for each folder, however often it is asked for. Thread-safe.
std::shared_ptr<grpc::experimental::CertificateProviderInterface> WatchCertificates(const std::string& folder,
                                                                                    std::string_view service_name = "");

// When the certificate expires that is in use of a folder under watch; InfiniteFuture when there is none. Thread-safe.
absl::Time ExpiryInUse(const std::string& folder);

}  // namespace section55::rpc
