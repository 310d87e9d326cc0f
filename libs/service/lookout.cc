#include "libs/service/lookout.h"

#include <utility>

namespace section55::service {

Lookout::Lookout(std::function<absl::Duration()> look) : look_(std::move(look)) {}

Lookout::~Lookout() { Stop(); }

void Lookout::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Lookout::LookNow() {
  absl::MutexLock lock(&mutex_);
  hurry_ = true;
}

void Lookout::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = hurry_ = true;
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Lookout::Run() {
  while (true) {
    const absl::Duration pause = look_();
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&hurry_), pause);
    if (stopping_) {
      return;
    }
    hurry_ = false;
  }
}

}  // namespace section55::service
