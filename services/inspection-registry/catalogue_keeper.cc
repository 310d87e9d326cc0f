#include "services/inspection-registry/catalogue_keeper.h"

#include <vector>

#include "absl/time/time.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "services/inspection-registry/catalogue.h"
#include "services/inspection-registry/store.h"

namespace section55::registry {
namespace {

constexpr int kTogether = 100;
constexpr absl::Duration kAfterTrouble = absl::Seconds(10);
constexpr absl::Duration kBetweenLooks = absl::Hours(1);

absl::Status Enter(db::Database& database, const std::string& id) {
  return database.Write([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const auto entered, store::FindCatalogued(tx, id));
    if (entered) {
      return absl::OkStatus();  // somebody has saved it meanwhile
    }
    ASSIGN_OR_RETURN(const store::StoredInspection stored, store::LoadInspection(tx, id));
    return store::EnterInCatalogue(tx, stored.message, /*is_new=*/false);
  });
}

}  // namespace

absl::Status FillCatalogue(db::Database& database, absl::FunctionRef<bool()> cancelled) {
  std::string after;
  int64_t entered = 0;
  absl::Status damaged;
  for (bool more = true; more;) {
    std::vector<std::string> ids;
    RETURN_IF_ERROR(database.Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(ids, store::NotCatalogued(tx, after, kTogether));
      return absl::OkStatus();
    }));
    for (const std::string& id : ids) {
      if (cancelled()) {
        return absl::OkStatus();
      }
      const absl::Status status = Enter(database, id);
      if (absl::IsDataLoss(status)) {
        damaged = status;  // one that cannot be read must not keep the others out
      } else {
        RETURN_IF_ERROR(status);
        ++entered;
      }
      after = id;
    }
    more = !ids.empty();
  }
  if (entered > 0) {
    base::Log(base::Severity::kInfo, "reports entered in the catalogue", {{"reports", entered}});
  }
  return damaged;
}

void CatalogueKeeper::Start() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = false;
  }
  thread_ = std::thread([this] { Run(); });
}

void CatalogueKeeper::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

void CatalogueKeeper::Run() {
  const auto cancelled = [this] {
    absl::MutexLock lock(&mutex_);
    return stopping_;
  };
  bool filled = false;
  while (!cancelled()) {
    absl::Status status = filled ? absl::OkStatus() : FillCatalogue(database_, cancelled);
    // One that is damaged is named by Admin.CheckStorage, and entered when it is saved again.
    filled = status.ok() || absl::IsDataLoss(status);
    for (const search::TextIndex* index : {&store::InspectionWords(), &store::FindingWords()}) {
      if (filled) {
        status.Update(index->Tidy(database_, cancelled));
      }
    }
    if (!status.ok()) {
      base::Log(base::Severity::kError, "the catalogue cannot be kept",
                {{"error", std::string_view(status.message().data(), status.message().size())}});
    }
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), filled ? kBetweenLooks : kAfterTrouble);
  }
}

}  // namespace section55::registry
