// Content codings: what a client takes (RFC 9110, section 12.5.3), and gzip.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/synchronization/mutex.h"

namespace section55::http {

enum class Coding { kIdentity, kGzip };

// What to send to a client with this Accept-Encoding header (empty: it sent none): gzip only where it is wanted at least as much as the
// plain bytes. `worth_it`: gzip would save something; if not, it is used only where the client refuses the plain bytes. Pure.
Coding ChooseCoding(std::string_view accept_encoding, bool worth_it);

// The bytes as a gzip file, the same for the same bytes. Thread-safe.
std::string Gzip(std::string_view bytes);

// Bodies that are being sent, so that many slow readers of one page hold it once. Thread-safe.
class SharedBodies {
 public:
  // `body`, or the same bytes where somebody holds them already; `key` names them. An empty key: `body`.
  std::shared_ptr<const std::string> Share(const std::string& key, std::shared_ptr<const std::string> body);

 private:
  absl::Mutex mutex_;
  std::unordered_map<std::string, std::weak_ptr<const std::string>> bodies_ ABSL_GUARDED_BY(mutex_);
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = 64;  // how many there may be before those that nobody holds are forgotten
};

// Compressed forms, so that what is asked for often is compressed once. Forgets what was not asked for the longest time. Thread-safe.
class CompressedForms {
 public:
  // Keeps up to `most_bytes` of compressed bytes.
  explicit CompressedForms(size_t most_bytes) : most_bytes_(most_bytes) {}

  // The gzip form of `body`, which `key` names; an empty key: made anew and not kept.
  std::shared_ptr<const std::string> Get(const std::string& key, std::string_view body);

  // How often a body was compressed.
  int64_t made() const;

 private:
  struct Form {
    std::string key;
    std::shared_ptr<const std::string> bytes;
  };

  const size_t most_bytes_;
  mutable absl::Mutex mutex_;
  std::list<Form> forms_ ABSL_GUARDED_BY(mutex_);  // the one asked for last in front
  std::unordered_map<std::string_view, std::list<Form>::iterator> by_key_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t made_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace section55::http
