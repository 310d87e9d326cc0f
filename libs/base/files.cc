#include "libs/base/files.h"

#include <sys/resource.h>

#include <algorithm>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace section55::base {
namespace {

// For everything that is no stranger's.
constexpr rlim_t kOwnFiles = 256;
constexpr int kLeast = 16;

ABSL_CONST_INIT absl::Mutex shares_mutex(absl::kConstInit);
int shared ABSL_GUARDED_BY(shares_mutex) = 0;

// The limit in force; raised to `wanted` where the system lets us.
rlim_t LimitFor(rlim_t wanted) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return kOwnFiles;
  }
  if (limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = std::min(wanted, limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
      return raised.rlim_cur;
    }
  }
  return limit.rlim_cur;
}

}  // namespace

FileShare::FileShare(int wanted) {
  const absl::MutexLock lock(&shares_mutex);
  const rlim_t taken = kOwnFiles + static_cast<rlim_t>(shared);
  const rlim_t limit = LimitFor(taken + static_cast<rlim_t>(wanted));
  const rlim_t left = limit > taken ? limit - taken : 0;
  files_ = left >= static_cast<rlim_t>(wanted) ? wanted : std::max(kLeast, static_cast<int>(left / 2));
  shared += files_;
}

FileShare::~FileShare() {
  const absl::MutexLock lock(&shares_mutex);
  shared -= files_;
}

}  // namespace section55::base
