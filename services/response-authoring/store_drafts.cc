#include "services/response-authoring/store_drafts.h"

#include <charconv>
#include <string>
#include <utility>

#include "libs/base/resource_name.h"
#include "libs/base/status.h"

namespace section55::authoring::store {
namespace {

// The key of a row, from a name that this service made.
struct Key {
  std::string body, inspection;
  int64_t id = 0;

  explicit Key(std::string_view name) {
    if (const auto ids = base::ParseName(name, kDraftName)) {
      body = (*ids)[0];
      inspection = (*ids)[1];
      std::from_chars((*ids)[2].data(), (*ids)[2].data() + (*ids)[2].size(), id);
    }
  }
};

}  // namespace

const db::ProtoTable<v1::DraftContribution>& Drafts() {
  static const db::ProtoTable<v1::DraftContribution> table(
      {.name = "draft_contributions", .key = {"body", "inspection", "id"}, .columns = {}});
  return table;
}

int64_t DraftId(const v1::DraftContribution& draft) { return Key(draft.name()).id; }

absl::Status AddDraft(db::Transaction& tx, Draft& draft) {
  const Key key(draft.message.name());
  const absl::Status added = Drafts().Insert(tx, {key.body, key.inspection, key.id}, {}, draft);
  return absl::IsAlreadyExists(added) ? tx.Conflict() : added;
}

absl::Status UpdateDraft(db::Transaction& tx, Draft& draft) {
  const Key key(draft.message.name());
  return Drafts().Update(tx, {key.body, key.inspection, key.id}, {}, draft);
}

absl::Status DeleteDraft(db::Transaction& tx, const Draft& draft) {
  const Key key(draft.message.name());
  return Drafts().Delete(tx, {key.body, key.inspection, key.id}, draft);
}

absl::StatusOr<std::optional<Draft>> FindDraft(db::Transaction& tx, std::string_view name) {
  const Key key(name);
  ASSIGN_OR_RETURN(std::optional<Draft> found, Drafts().Find(tx, {key.body, key.inspection, key.id}));
  return found && found->message.name() == name ? found : std::nullopt;
}

absl::StatusOr<std::vector<Draft>> DraftsOf(db::Transaction& tx, std::string_view body, std::string_view inspection,
                                            int64_t after, int limit) {
  return Drafts().Select(tx, "WHERE body = ? AND inspection = ? AND id > ? ORDER BY id LIMIT ?",
                         {body, inspection, after, limit});
}

absl::Status MoveDrafts(db::Transaction& tx, std::string_view body, std::string_view inspection,
                        std::string_view successor) {
  constexpr int kAll = 100'000;
  ASSIGN_OR_RETURN(const std::vector<Draft> drafts, DraftsOf(tx, body, inspection, 0, kAll));
  for (const Draft& draft : drafts) {
    RETURN_IF_ERROR(DeleteDraft(tx, draft));
    Draft moved;
    moved.message = draft.message;
    moved.message.set_name(base::MakeName(kDraftName, {successor, inspection, std::to_string(DraftId(draft.message))}));
    RETURN_IF_ERROR(AddDraft(tx, moved));
  }
  return absl::OkStatus();
}

}  // namespace section55::authoring::store
