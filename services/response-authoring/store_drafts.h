// The SQL of what forces are writing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
#include "section55/authoring/v1/draft.pb.h"

namespace section55::authoring::store {

using Draft = db::Versioned<v1::DraftContribution>;

inline constexpr std::string_view kDraftName = "bodies/{body}/responses/{inspection}/drafts/{draft}";

const db::ProtoTable<v1::DraftContribution>& Drafts();

// The number at the end of a draft's name.
int64_t DraftId(const v1::DraftContribution& draft);

// Each is found by its name. A new one that another process gave the same number: conflicts; so does one that was changed since it was read.
absl::Status AddDraft(db::Transaction& tx, Draft& draft);
absl::Status UpdateDraft(db::Transaction& tx, Draft& draft);
absl::Status DeleteDraft(db::Transaction& tx, const Draft& draft);
absl::StatusOr<std::optional<Draft>> FindDraft(db::Transaction& tx, std::string_view name);

// The drafts on a response after the one with this number, in the order in which they were begun; at most `limit`.
absl::StatusOr<std::vector<Draft>> DraftsOf(db::Transaction& tx, std::string_view body, std::string_view inspection,
                                            int64_t after, int limit);

// Those on a response go on under another body's.
absl::Status MoveDrafts(db::Transaction& tx, std::string_view body, std::string_view inspection,
                        std::string_view successor);

}  // namespace section55::authoring::store
