#include "libs/service/prune.h"

#include <utility>

#include "libs/base/log.h"

namespace section55::service {
namespace {

constexpr int kBatch = 500;

}  // namespace

Pruning::Pruning(std::vector<Kind> kinds, absl::Duration pause) : kinds_(std::move(kinds)), pause_(pause) {}

Pruning::~Pruning() { Stop(); }

void Pruning::Start() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = false;
  }
  thread_ = std::thread([this] { Run(); });
}

void Pruning::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

bool Pruning::PauseOrStop(absl::Duration pause) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&stopping_), pause);
}

void Pruning::Run() {
  do {
    for (const Kind& kind : kinds_) {
      int64_t total = 0;
      int64_t deleted = kBatch;
      while (deleted >= kBatch && !PauseOrStop(absl::ZeroDuration())) {
        const absl::StatusOr<int64_t> some = kind.delete_some(kBatch);
        if (!some.ok()) {
          base::Log(base::Severity::kWarning, "pruning failed; later again",
                    {{"what", kind.what}, {"error", some.status().ToString()}});
        }
        deleted = some.value_or(0);
        total += deleted;
      }
      if (total > 0) {
        base::Log(base::Severity::kInfo, "pruned", {{"what", kind.what}, {"rows", total}});
      }
    }
  } while (!PauseOrStop(pause_));
}

}  // namespace section55::service
