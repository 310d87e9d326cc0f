#include "libs/rpc/certificates.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "libs/base/log.h"
#include "libs/base/status.h"

namespace section55::rpc {
namespace {

constexpr int kLookEvery = 1000;             // milliseconds
constexpr unsigned int kGrpcLooksEvery = 1;  // seconds
constexpr std::string_view kIdentity = "spiffe://section55/";

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;
using Certificate = Owned<X509, X509_free>;

// Nothing when it cannot be read.
std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Owned<BIO, BIO_free> Open(const std::string& pem) {
  return Owned<BIO, BIO_free>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// All certificates of a text; none when it holds something that is none.
std::vector<Certificate> ReadAll(const std::string& pem) {
  std::vector<Certificate> found;
  const auto file = Open(pem);
  while (X509* one = PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)) {
    found.emplace_back(one);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  return at_end ? std::move(found) : std::vector<Certificate>();
}

Owned<EVP_PKEY, EVP_PKEY_free> ReadKey(const std::string& pem) {
  const auto file = Open(pem);
  // A key under a passphrase is unusable here: it is not asked for on a terminal.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  Owned<EVP_PKEY, EVP_PKEY_free> key(PEM_read_bio_PrivateKey(file.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

absl::Time TimeOf(const ASN1_TIME* time) {
  tm parts = {};
  ASN1_TIME_to_tm(time, &parts);
  return absl::FromTM(parts, absl::UTCTimeZone());
}

std::string Shown(absl::Time time) { return absl::FormatTime("%e %B %Y at %H:%M UTC", time, absl::UTCTimeZone()); }

absl::Status CheckTime(const std::string& path, const X509* certificate, absl::Time now) {
  const absl::Time until = TimeOf(X509_get0_notAfter(certificate));
  if (now >= until) {
    return absl::FailedPreconditionError(
        fmt::format("{} expired on {}; put a new certificate into its place", path, Shown(until)));
  }
  const absl::Time from = TimeOf(X509_get0_notBefore(certificate));
  if (now < from) {
    return absl::FailedPreconditionError(
        fmt::format("{} is valid only from {}, and this machine's clock says {}", path, Shown(from), Shown(now)));
  }
  return absl::OkStatus();
}

// Whether one of the authorities signed the certificate, perhaps through others that come with it.
absl::Status CheckSignature(const std::string& folder, const std::vector<Certificate>& chain,
                            const std::vector<Certificate>& authorities, absl::Time now) {
  const Owned<X509_STORE, X509_STORE_free> store(X509_STORE_new());
  for (const Certificate& authority : authorities) {
    X509_STORE_add_cert(store.get(), authority.get());
  }
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  const auto free_stack = [](STACK_OF(X509) * stack) { sk_X509_free(stack); };
  const std::unique_ptr<STACK_OF(X509), decltype(free_stack)> between(sk_X509_new_null(), free_stack);
  for (size_t i = 1; i < chain.size(); ++i) {
    sk_X509_push(between.get(), chain[i].get());
  }
  const Owned<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), chain[0].get(), between.get());
  X509_STORE_CTX_set_time(context.get(), 0, absl::ToTimeT(now));
  const bool signed_by_one = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  if (signed_by_one) {
    return absl::OkStatus();
  }
  const int error = X509_STORE_CTX_get_error(context.get());
  if (error == X509_V_ERR_CERT_HAS_EXPIRED) {
    return absl::FailedPreconditionError(
        fmt::format("an authority that {}/certificate.pem stands on has expired; renew {}/ca.pem", folder, folder));
  }
  return absl::FailedPreconditionError(fmt::format("{}/certificate.pem is not signed by an authority in {}/ca.pem ({})",
                                                   folder, folder, X509_verify_cert_error_string(error)));
}

std::vector<std::string> UrisOf(X509* certificate) {
  std::vector<std::string> uris;
  const Owned<GENERAL_NAMES, GENERAL_NAMES_free> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI) {
      uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.uniformResourceIdentifier)),
                        static_cast<size_t>(ASN1_STRING_length(name->d.uniformResourceIdentifier)));
    }
  }
  return uris;
}

// With several names it would be a matter of luck which of them counts.
absl::Status CheckName(const std::string& path, X509* certificate, std::string_view service_name) {
  const std::vector<std::string> uris = UrisOf(certificate);
  if (service_name.empty() || (uris.size() == 1 && uris[0] == fmt::format("{}{}", kIdentity, service_name))) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(fmt::format(
      "{} is not the certificate of {}: the only URI among its subject alternative names must be {}{}, and it has {}",
      path, service_name, kIdentity, service_name, uris.empty() ? "none" : fmt::format("{}", fmt::join(uris, ", "))));
}

Certificates ReadUnchecked(const std::string& folder) {
  return {.certificate = ReadFile(folder + "/certificate.pem"),
          .key = ReadFile(folder + "/key.pem"),
          .authorities = ReadFile(folder + "/ca.pem"),
          .expires = absl::InfiniteFuture()};
}

bool Same(const Certificates& a, const Certificates& b) {
  return a.certificate == b.certificate && a.key == b.key && a.authorities == b.authorities;
}

absl::StatusOr<Certificates> Check(const std::string& folder, Certificates read, std::string_view service_name,
                                   absl::Time now) {
  const std::string path = folder + "/certificate.pem";
  const std::vector<Certificate> chain = ReadAll(read.certificate);
  const auto key = ReadKey(read.key);
  const std::vector<Certificate> authorities = ReadAll(read.authorities);
  const std::string unreadable = chain.empty()         ? path
                                 : key == nullptr      ? folder + "/key.pem"
                                 : authorities.empty() ? folder + "/ca.pem"
                                                       : "";
  if (!unreadable.empty()) {
    return absl::NotFoundError(fmt::format("{} is missing or not in PEM form", unreadable));
  }
  if (X509_check_private_key(chain[0].get(), key.get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(fmt::format("{}/key.pem is not the key of {}", folder, path));
  }
  RETURN_IF_ERROR(CheckTime(path, chain[0].get(), now));
  RETURN_IF_ERROR(CheckSignature(folder, chain, authorities, now));
  RETURN_IF_ERROR(CheckName(path, chain[0].get(), service_name));
  read.expires = TimeOf(X509_get0_notAfter(chain[0].get()));
  return read;
}

// A text in memory that others read as a file, and that another text takes the place of at once.
class FileInMemory {
 public:
  explicit FileInMemory(std::string_view text) : descriptor_(Make(text)) {}
  FileInMemory(const FileInMemory&) = delete;

  std::string path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }
  void Replace(std::string_view text) {
    const int made = Make(text);
    dup3(made, descriptor_, O_CLOEXEC);
    close(made);
  }

 private:
  static int Make(std::string_view text) {
    const int descriptor = memfd_create("section55-certificates", MFD_CLOEXEC);
    while (!text.empty()) {
      const ssize_t written = write(descriptor, text.data(), text.size());
      if (written < 0) {
        break;  // no memory: what is there is no PEM, and nobody connects
      }
      text.remove_prefix(static_cast<size_t>(written));
    }
    return descriptor;
  }

  const int descriptor_;  // never closed: gRPC goes on reading it
};

// A folder under watch. gRPC's own watcher takes whatever files hold; it is given files that hold only what was checked.
class WatchedFolder {
 public:
  WatchedFolder(std::string folder, Certificates first)
      : folder_(std::move(folder)),
        in_use_(std::move(first)),
        certificate_(in_use_.certificate),
        key_(in_use_.key),
        authorities_(in_use_.authorities),
        provider_(std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
            key_.path(), certificate_.path(), authorities_.path(), kGrpcLooksEvery)) {}

  void Look() {
    Certificates found = ReadUnchecked(folder_);
    if (Same(found, in_use_)) {
      refused_.reset();
      return;
    }
    if (refused_ && Same(found, *refused_)) {
      return;
    }
    absl::StatusOr<Certificates> checked = Check(folder_, found, service_name, absl::Now());
    if (!checked.ok()) {
      base::Log(base::Severity::kError, "the old certificates stay in use",
                {{"folder", folder_}, {"error", std::string(checked.status().message())}});
      refused_ = std::move(found);
      return;
    }
    in_use_ = *std::move(checked);
    refused_.reset();
    key_.Replace(in_use_.key);
    certificate_.Replace(in_use_.certificate);
    authorities_.Replace(in_use_.authorities);
    base::Log(base::Severity::kInfo, "new certificates are in use",
              {{"folder", folder_},
               {"expire_time", absl::FormatTime(absl::RFC3339_sec, in_use_.expires, absl::UTCTimeZone())}});
  }

  absl::Time expires() const { return in_use_.expires; }
  const auto& provider() const { return provider_; }

  std::string service_name;

 private:
  const std::string folder_;
  Certificates in_use_;
  std::optional<Certificates> refused_;
  FileInMemory certificate_;
  FileInMemory key_;
  FileInMemory authorities_;
  const std::shared_ptr<grpc::experimental::CertificateProviderInterface> provider_;
};

// All folders under watch, and the thread that looks at them. Never destroyed: gRPC reads to the end of the process.
class Watch {
 public:
  static Watch& Get() {
    static Watch& watch = *new Watch;
    return watch;
  }

  std::shared_ptr<grpc::experimental::CertificateProviderInterface> Add(const std::string& folder,
                                                                        std::string_view service_name) {
    absl::MutexLock lock(&mutex_);
    std::unique_ptr<WatchedFolder>& watched = folders_[folder];
    if (watched == nullptr) {
      Certificates first = ReadUnchecked(folder);
      if (auto checked = Check(folder, first, service_name, absl::Now()); checked.ok()) {
        first = *std::move(checked);
      }
      watched = std::make_unique<WatchedFolder>(folder, std::move(first));
    }
    if (!service_name.empty()) {
      watched->service_name = service_name;
    }
    return watched->provider();
  }

  absl::Time ExpiryOf(const std::string& folder) {
    absl::MutexLock lock(&mutex_);
    const auto found = folders_.find(folder);
    return found == folders_.end() ? absl::InfiniteFuture() : found->second->expires();
  }

 private:
  Watch() {
    std::thread([this] {
      while (true) {
        poll(nullptr, 0, kLookEvery);  // NOLINT: a folder behind a symlink tells nobody that it was swapped
        absl::MutexLock lock(&mutex_);
        for (auto& [folder, watched] : folders_) {
          watched->Look();
        }
      }
    }).detach();
  }

  absl::Mutex mutex_;
  std::map<std::string, std::unique_ptr<WatchedFolder>> folders_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<Certificates> ReadCertificates(const std::string& folder, std::string_view service_name,
                                              absl::Time now) {
  return Check(folder, ReadUnchecked(folder), service_name, now);
}

std::shared_ptr<grpc::experimental::CertificateProviderInterface> WatchCertificates(const std::string& folder,
                                                                                    std::string_view service_name) {
  return Watch::Get().Add(folder, service_name);
}

absl::Time ExpiryInUse(const std::string& folder) { return Watch::Get().ExpiryOf(folder); }

}  // namespace section55::rpc
