// Tells ThreadSanitizer what Debian's Abseil does, which is built without it: loaded before it (LD_PRELOAD), this library
// stands in for the methods that order threads, passes each call on and notes the order. Only in the build for
// ThreadSanitizer; in a program without it every note is left out.
#include <dlfcn.h>

#include <string>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): the sanitizer's own names
void __tsan_acquire(void* address) __attribute__((weak));
void __tsan_release(void* address) __attribute__((weak));
// NOLINTEND(bugprone-reserved-identifier)
void AnnotateIgnoreReadsBegin(const char* file, int line) __attribute__((weak));
void AnnotateIgnoreReadsEnd(const char* file, int line) __attribute__((weak));
}

namespace {

void Acquire(const void* address) {
  if (__tsan_acquire != nullptr) {
    __tsan_acquire(const_cast<void*>(address));
  }
}

void Release(const void* address) {
  if (__tsan_release != nullptr) {
    __tsan_release(const_cast<void*>(address));
  }
}

// Abseil evaluates the conditions of waiting threads on the thread that unlocks, under the lock that was noted as
// released before: what such a condition reads is no race.
class WithoutReads {
 public:
  WithoutReads() {
    if (AnnotateIgnoreReadsBegin != nullptr) {
      AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    }
  }
  ~WithoutReads() {
    if (AnnotateIgnoreReadsEnd != nullptr) {
      AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    }
  }
};

#define SECTION55_TEXT_OF(name) #name
#define SECTION55_TEXT(name) SECTION55_TEXT_OF(name)

// The method of Abseil itself, by the end of its mangled name.
template <typename Function>
Function* Real(const char* name) {
  const std::string inline_namespace = SECTION55_TEXT(ABSL_OPTION_INLINE_NAMESPACE_NAME);
  const std::string symbol = std::to_string(inline_namespace.size()) + inline_namespace + name;
  for (const char* prefix : {"_ZN4absl", "_ZNK4absl"}) {
    if (void* found = dlsym(RTLD_NEXT, (prefix + symbol).c_str()); found != nullptr) {
      return reinterpret_cast<Function*>(found);
    }
  }
  std::abort();
}

}  // namespace

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  static auto* const real = Real<void(Mutex*)>("5Mutex4LockEv");
  {
    const WithoutReads reads;
    real(this);
  }
  Acquire(this);
}

void Mutex::Unlock() {
  static auto* const real = Real<void(Mutex*)>("5Mutex6UnlockEv");
  Release(this);
  const WithoutReads reads;
  real(this);
}

bool Mutex::TryLock() {
  static auto* const real = Real<bool(Mutex*)>("5Mutex7TryLockEv");
  const bool locked = real(this);
  if (locked) {
    Acquire(this);
  }
  return locked;
}

void Mutex::ReaderLock() {
  static auto* const real = Real<void(Mutex*)>("5Mutex10ReaderLockEv");
  {
    const WithoutReads reads;
    real(this);
  }
  Acquire(this);
}

void Mutex::ReaderUnlock() {
  static auto* const real = Real<void(Mutex*)>("5Mutex12ReaderUnlockEv");
  Release(this);
  const WithoutReads reads;
  real(this);
}

void Mutex::Await(const Condition& condition) {
  static auto* const real = Real<void(Mutex*, const Condition&)>("5Mutex5AwaitERKNS0_9ConditionE");
  Release(this);
  {
    const WithoutReads reads;
    real(this, condition);
  }
  Acquire(this);
}

bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  static auto* const real =
      Real<bool(Mutex*, const Condition&, Duration)>("5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE");
  Release(this);
  bool met = false;
  {
    const WithoutReads reads;
    met = real(this, condition, timeout);
  }
  Acquire(this);
  return met;
}

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  static auto* const real =
      Real<bool(Mutex*, const Condition&, Time)>("5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE");
  Release(this);
  bool met = false;
  {
    const WithoutReads reads;
    met = real(this, condition, deadline);
  }
  Acquire(this);
  return met;
}

void CondVar::Wait(Mutex* mutex) {
  static auto* const real = Real<void(CondVar*, Mutex*)>("7CondVar4WaitEPNS0_5MutexE");
  Release(mutex);
  {
    const WithoutReads reads;
    real(this, mutex);
  }
  Acquire(mutex);
}

bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  static auto* const real =
      Real<bool(CondVar*, Mutex*, Duration)>("7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE");
  Release(mutex);
  bool expired = false;
  {
    const WithoutReads reads;
    expired = real(this, mutex, timeout);
  }
  Acquire(mutex);
  return expired;
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  static auto* const real = Real<bool(CondVar*, Mutex*, Time)>("7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE");
  Release(mutex);
  bool expired = false;
  {
    const WithoutReads reads;
    expired = real(this, mutex, deadline);
  }
  Acquire(mutex);
  return expired;
}

void Notification::Notify() {
  static auto* const real = Real<void(Notification*)>("12Notification6NotifyEv");
  Release(this);
  real(this);
}

void Notification::WaitForNotification() const {
  static auto* const real = Real<void(const Notification*)>("12Notification19WaitForNotificationEv");
  real(this);
  Acquire(this);
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  static auto* const real =
      Real<bool(const Notification*, Duration)>("12Notification30WaitForNotificationWithTimeoutENS0_8DurationE");
  const bool notified = real(this, timeout);
  Acquire(this);
  return notified;
}

bool BlockingCounter::DecrementCount() {
  static auto* const real = Real<bool(BlockingCounter*)>("15BlockingCounter14DecrementCountEv");
  Release(this);
  return real(this);
}

void BlockingCounter::Wait() {
  static auto* const real = Real<void(BlockingCounter*)>("15BlockingCounter4WaitEv");
  real(this);
  Acquire(this);
}

bool Barrier::Block() {
  static auto* const real = Real<bool(Barrier*)>("7Barrier5BlockEv");
  Release(this);
  const bool last = real(this);
  Acquire(this);
  return last;
}

ABSL_NAMESPACE_END
}  // namespace absl
