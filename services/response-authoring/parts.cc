#include "services/response-authoring/parts.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "libs/db/proto_table.h"

namespace section55::authoring::parts {
namespace {

struct TextPart {
  std::string_view name;
  const std::string& (v1::Response::*get)() const;
  void (*set)(v1::Response& to, const std::string& text);
};

const TextPart kTextParts[] = {
    {"key_findings", &v1::Response::key_findings,
     [](v1::Response& to, const std::string& text) { to.set_key_findings(text); }},
    {"comments", &v1::Response::comments, [](v1::Response& to, const std::string& text) { to.set_comments(text); }},
    {"reply_to_chief_officer", &v1::Response::reply_to_chief_officer,
     [](v1::Response& to, const std::string& text) { to.set_reply_to_chief_officer(text); }},
    {"monitoring", &v1::Response::monitoring,
     [](v1::Response& to, const std::string& text) { to.set_monitoring(text); }},
};

std::string LastPart(std::string_view name) { return std::string(name.substr(name.rfind('/') + 1)); }

// The invitation alone, without the comments that it brought.
v1::Response InvitationOf(const v1::Response& response) {
  v1::Response part;
  if (response.has_chief_officer()) {
    const v1::ChiefOfficerPart& from = response.chief_officer();
    v1::ChiefOfficerPart& to = *part.mutable_chief_officer();
    if (from.has_invited_time()) {
      *to.mutable_invited_time() = from.invited_time();
    }
    if (from.has_comments_due_date()) {
      *to.mutable_comments_due_date() = from.comments_due_date();
    }
    if (from.has_no_comments_time()) {
      *to.mutable_no_comments_time() = from.no_comments_time();
    }
    if (to.ByteSizeLong() == 0) {
      part.clear_chief_officer();
    }
  }
  return part;
}

v1::Response StateOf(const v1::Response& response) {
  v1::Response part;
  part.set_state(response.state());
  part.set_edition(response.edition());
  if (response.has_submission()) {
    *part.mutable_submission() = response.submission();
  }
  if (response.has_last_return()) {
    *part.mutable_last_return() = response.last_return();
  }
  if (response.has_approval()) {
    *part.mutable_approval() = response.approval();
  }
  if (response.has_bypass()) {
    *part.mutable_bypass() = response.bypass();
  }
  *part.mutable_marks() = response.marks();
  if (response.has_exemption()) {
    *part.mutable_exemption() = response.exemption();
  }
  if (response.has_refusal()) {
    *part.mutable_refusal() = response.refusal();
  }
  if (response.has_publish_time()) {
    *part.mutable_publish_time() = response.publish_time();
  }
  if (response.has_closure()) {
    *part.mutable_closure() = response.closure();
  }
  if (response.has_correction()) {
    *part.mutable_correction() = response.correction();
  }
  *part.mutable_transferred_from() = response.transferred_from();
  return part;
}

// Compares two lists of items that have a key, and tells of each that came, went or changed.
template <typename Item, typename KeyOf, typename Differ>
void CompareItems(const google::protobuf::RepeatedPtrField<Item>& before,
                  const google::protobuf::RepeatedPtrField<Item>& after, KeyOf key_of, Differ differ) {
  absl::flat_hash_map<std::string_view, const Item*> earlier;
  for (const Item& item : before) {
    earlier.emplace(key_of(item), &item);
  }
  for (const Item& item : after) {
    const auto known = earlier.find(key_of(item));
    if (known == earlier.end() || !Same(*known->second, item)) {
      differ(item, &item);
    }
    if (known != earlier.end()) {
      earlier.erase(known);
    }
  }
  for (const Item& item : before) {
    if (earlier.contains(key_of(item))) {
      differ(item, nullptr);
    }
  }
}

}  // namespace

bool Same(const google::protobuf::MessageLite& a, const google::protobuf::MessageLite& b) {
  const size_t size = a.ByteSizeLong();
  return size == b.ByteSizeLong() &&
         (size == 0 || db::SerialiseDeterministically(a) == db::SerialiseDeterministically(b));
}

bool IsOffices(std::string_view part) {
  return part != "invitation" && part != "state" && !part.starts_with("contributions/");
}

bool IsPart(std::string_view part) {
  return part == "signatory" || part == "invitation" || part == "state" ||
         std::any_of(std::begin(kTextParts), std::end(kTextParts),
                     [&](const TextPart& text) { return text.name == part; });
}

std::vector<Change> Compare(const v1::Response& before, const v1::Response& after) {
  std::vector<Change> changes;
  for (const TextPart& part : kTextParts) {
    if ((before.*part.get)() != (after.*part.get)()) {
      Change& change = changes.emplace_back(Change{std::string(part.name), {}});
      part.set(change.now, (after.*part.get)());
    }
  }
  if (!Same(before.signatory(), after.signatory())) {
    *changes.emplace_back(Change{"signatory", {}}).now.mutable_signatory() = after.signatory();
  }
  CompareItems(
      before.answers(), after.answers(), [](const v1::Answer& answer) { return std::string_view(answer.finding()); },
      [&](const v1::Answer& answer, const v1::Answer* now) {
        Change& change = changes.emplace_back(Change{"answers/" + LastPart(answer.finding()), {}});
        if (now != nullptr) {
          *change.now.add_answers() = *now;
        }
      });
  if (v1::Response invitation = InvitationOf(after); !Same(InvitationOf(before), invitation)) {
    changes.push_back({"invitation", std::move(invitation)});
  }
  CompareItems(
      before.chief_officer().contributions(), after.chief_officer().contributions(),
      [](const v1::Contribution& contribution) { return std::string_view(contribution.id()); },
      [&](const v1::Contribution& contribution, const v1::Contribution* now) {
        Change& change = changes.emplace_back(Change{"contributions/" + contribution.id(), {}});
        if (now != nullptr) {
          *change.now.mutable_chief_officer()->add_contributions() = *now;
        }
      });
  if (v1::Response state = StateOf(after); !Same(StateOf(before), state)) {
    changes.push_back({"state", std::move(state)});
  }
  return changes;
}

}  // namespace section55::authoring::parts
