// What the catalogue (catalogue.h) needs beside the calls: what was saved before there was one is entered, and its indexes are kept tidy.
#pragma once

#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "libs/db/database.h"

namespace section55::registry {

// Enters every report that is stored and not entered, each in a transaction of its own, while others read and write. May be called again,
// and by several at once: what is entered is left alone.
absl::Status FillCatalogue(db::Database& database, absl::FunctionRef<bool()> cancelled);

// Does so once, and again until it succeeds, and from then on looks every hour whether an index is to be tidied. Start and Stop are for one
// thread.
class CatalogueKeeper {
 public:
  explicit CatalogueKeeper(db::Database& database) : database_(database) {}
  ~CatalogueKeeper() { Stop(); }

  void Start();
  // Waits until it has ended.
  void Stop();

 private:
  void Run();

  db::Database& database_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace section55::registry
