#include "services/inspection-registry/register.h"

#include <fmt/format.h>

#include <algorithm>

#include "google/protobuf/util/field_mask_util.h"
#include "libs/base/checks.h"
#include "libs/base/resource_name.h"
#include "libs/calendar/format.h"
#include "services/inspection-registry/web_address.h"

namespace section55::registry::rules {
namespace {

using base::Presence;
using base::Violations;
using google::protobuf::FieldMask;
using google::protobuf::util::FieldMaskUtil;
using v1::Body;
using v1::Force;
using v1::ForceLink;

constexpr size_t kMostReason = 2'000;

// Days without an end on one side or both.
struct Days {
  std::optional<absl::CivilDay> from, to;

  bool Holds(absl::CivilDay day) const { return (!from || *from <= day) && (!to || day <= *to); }
  bool Empty() const { return from && to && *to < *from; }
};

template <typename Message>
Days DaysOf(const Message& message) {
  return {base::ToCivilDay(message.valid_from()), base::ToCivilDay(message.valid_to())};
}

Days Common(const Days& a, const Days& b) {
  Days common = a;
  if (b.from && (!common.from || *common.from < *b.from)) {
    common.from = b.from;
  }
  if (b.to && (!common.to || *b.to < *common.to)) {
    common.to = b.to;
  }
  return common;
}

// When a link really holds: the body has to be there as well.
Days DaysOf(const ForceLink& link, const Body& body) { return Common(DaysOf<ForceLink>(link), DaysOf<Body>(body)); }

template <typename Messages>
auto* FindNamed(Messages& messages, std::string_view name) {
  const auto found =
      std::find_if(messages.begin(), messages.end(), [&](const auto& message) { return message.name() == name; });
  return found == messages.end() ? nullptr : &*found;
}

void CheckDate(const std::string& field, bool is_set, const google::type::Date& date, Violations& violations) {
  if (is_set && !base::ToCivilDay(date)) {
    violations.Add(field, "must be a day that exists: year, month and day");
  }
}

template <typename Message>
void CheckValidity(const std::string& path, const Message& message, Violations& violations) {
  CheckDate(path + ".valid_from", message.has_valid_from(), message.valid_from(), violations);
  CheckDate(path + ".valid_to", message.has_valid_to(), message.valid_to(), violations);
  if (DaysOf<Message>(message).Empty()) {
    violations.Add(path + ".valid_to", "must not lie before valid_from");
  }
}

void ValidateForce(const Force& force, Violations& violations) {
  base::CheckName("force.display_name", force.display_name(), 200, Presence::kRequired, violations);
  base::CheckName("force.chief_officer_title", force.chief_officer_title(), 100, Presence::kRequired, violations);
  base::CheckName("force.region", force.region(), 100, Presence::kOptional, violations);
  CheckValidity("force", force, violations);
}

void ValidateContact(const v1::PublicContact& contact, Violations& violations) {
  base::CheckName("body.public_contact.website", contact.website(), 2000, Presence::kOptional, violations);
  if (!contact.website().empty() && !IsWebAddress(contact.website())) {
    violations.Add("body.public_contact.website", "must be an address that begins with https:// or http://");
  }
  base::CheckName("body.public_contact.email", contact.email(), 254, Presence::kOptional, violations);
  if (const size_t at = contact.email().find('@');
      !contact.email().empty() && (at == 0 || at == std::string::npos || at + 1 == contact.email().size() ||
                                   contact.email().find_first_of(" ,;<>") != std::string::npos)) {
    violations.Add("body.public_contact.email", "must be one mail address");
  }
  base::CheckName("body.public_contact.telephone", contact.telephone(), 50, Presence::kOptional, violations);
  base::CheckText("body.public_contact.postal_address", contact.postal_address(), 500, Presence::kOptional, violations);
}

void ValidateLinks(const Body& body, Violations& violations) {
  for (int i = 0; i < body.force_links_size(); ++i) {
    const ForceLink& link = body.force_links(i);
    const std::string path = fmt::format("body.force_links[{}]", i);
    base::CheckResourceName(path + ".force", link.force(), base::kForceName, violations);
    CheckValidity(path, link, violations);
    if (i == 0) {
      continue;
    }
    const auto earlier = base::ToCivilDay(body.force_links(i - 1).valid_to());
    const auto from = base::ToCivilDay(link.valid_from());
    if (!earlier || !from || *from <= *earlier) {
      violations.Add(path + ".valid_from", "must lie after the last day of the link before it");
    }
  }
}

// In the form in which it is kept.
void ValidateBody(const Body& body, Violations& violations) {
  base::CheckName("body.display_name", body.display_name(), 200, Presence::kRequired, violations);
  base::CheckEnum("body.kind", body.kind(), Body::Kind_IsValid, Presence::kRequired, violations);
  if (!body.force().empty()) {
    base::CheckResourceName("body.force", body.force(), base::kForceName, violations);
  }
  base::CheckName("body.scrutiny_body", body.scrutiny_body(), 200, Presence::kOptional, violations);
  base::CheckName("body.place_name", body.place_name(), 60, Presence::kOptional, violations);
  ValidateContact(body.public_contact(), violations);
  CheckDate("body.register_since", body.has_register_since(), body.register_since(), violations);
  CheckValidity("body", body, violations);
  // What was wrong with `force` stands in the link made from it as well, and has been said.
  const bool made_here = body.force_links_size() == 1 && body.force_links(0).force() == body.force();
  if (!made_here || base::ParseName(body.force(), base::kForceName)) {
    ValidateLinks(body, violations);
  }
}

FieldMask MaskOf(const char* paths) {
  FieldMask mask;
  FieldMaskUtil::FromString(paths, &mask);
  return mask;
}

const FieldMask& ForceFields() {
  static const auto* const fields = new FieldMask(
      MaskOf("display_name,chief_officer_title,region,territorial,valid_from,valid_to,registered_by_mistake"));
  return *fields;
}

const FieldMask& BodyFields() {
  static const auto* const fields = new FieldMask(
      MaskOf("display_name,kind,force,scrutiny_body,place_name,public_contact,register_since,valid_from,valid_to,"
             "registered_by_mistake,force_links"));
  return *fields;
}

void ValidateUpdate(const FieldMask& mask, const FieldMask& settable, const std::string& etag,
                    const std::string& inner_etag, std::string_view what, Violations& violations) {
  if (mask.paths().empty()) {
    violations.Add("update_mask", "is required: the fields to set");
  }
  for (int i = 0; i < mask.paths_size(); ++i) {
    if (std::find(settable.paths().begin(), settable.paths().end(), mask.paths(i)) == settable.paths().end()) {
      violations.Add(fmt::format("update_mask.paths[{}]", i), fmt::format("\"{}\" cannot be set", mask.paths(i)));
    }
  }
  if (!etag.empty() && !inner_etag.empty() && etag != inner_etag) {
    violations.Add("etag", fmt::format("differs from {}.etag", what));
  }
}

template <typename Message>
void CopyMasked(const Message& from, const FieldMask& mask, const FieldMask& settable, Message& to) {
  FieldMask fields;
  FieldMaskUtil::Intersect(mask, settable, &fields);
  FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  FieldMaskUtil::MergeMessageTo(from, fields, options, &to);
}

template <typename Request>
void ValidateSucceed(const Request& request, std::string_view pattern, Violations& violations) {
  base::CheckResourceName("name", request.name(), pattern, violations);
  base::CheckResourceName("successor", request.successor(), pattern, violations);
  if (!request.has_date()) {
    violations.Add("date", "is required: the successor's first day");
  }
  CheckDate("date", request.has_date(), request.date(), violations);
  base::CheckText("reason", request.reason(), kMostReason, Presence::kRequired, violations);
}

// What is the same of bodies and forces: ends the predecessor, hands the predecessors on. `all` are those registered, `changed` receives
// those that are not as they were.
template <typename Message, typename Request>
absl::Status Replace(const Request& request, std::vector<Message>& all, std::vector<std::string>& changed) {
  Message& predecessor = *FindNamed(all, request.name());
  Message* const successor = FindNamed(all, request.successor());
  const absl::CivilDay date = *base::ToCivilDay(request.date());
  Violations violations;
  if (successor == nullptr) {
    violations.Add("successor", fmt::format("{} is not registered", request.successor()));
  } else if (successor == &predecessor) {
    violations.Add("successor", "is the one whose place is to be taken");
  } else if (std::find(predecessor.predecessors().begin(), predecessor.predecessors().end(), request.successor()) !=
             predecessor.predecessors().end()) {
    violations.Add("successor", fmt::format("{} came in the place of {}, and cannot take it back", request.name(),
                                            request.successor()));
  } else if (!IsThere(*successor, date)) {
    violations.Add("date", fmt::format("{} is not there on {}: look at its valid_from and valid_to",
                                       request.successor(), calendar::FormatDate(date)));
  }
  if (predecessor.registered_by_mistake()) {
    violations.Add("name", fmt::format("{} was registered by mistake: nothing comes in its place", request.name()));
  }
  if (const auto from = DaysOf<Message>(predecessor).from; from && date <= *from) {
    violations.Add("date",
                   fmt::format("must lie after the first day of {}, {}", request.name(), calendar::FormatDate(*from)));
  }
  RETURN_IF_ERROR(violations.ToStatus());
  if (predecessor.has_succession()) {
    const v1::Succession& succession = predecessor.succession();
    return base::Error(absl::StatusCode::kFailedPrecondition, "HAS_SUCCESSOR",
                       fmt::format("{} comes in the place of {} on {} already", succession.successor(), request.name(),
                                   calendar::FormatDate(*base::ToCivilDay(succession.date()))),
                       {{"resource", request.name()}});
  }
  v1::Succession& succession = *predecessor.mutable_succession();
  succession.set_successor(request.successor());
  *succession.mutable_date() = request.date();
  succession.set_reason(request.reason());
  if (const auto to = DaysOf<Message>(predecessor).to; !to || date <= *to) {
    *predecessor.mutable_valid_to() = base::ToProtoDate(date - 1);
  }
  changed.push_back(predecessor.name());
  // The successor, and those who have come in its place in turn.
  std::vector<std::string> inherited(predecessor.predecessors().begin(), predecessor.predecessors().end());
  inherited.push_back(predecessor.name());
  for (Message& heir : all) {
    auto& predecessors = *heir.mutable_predecessors();
    if (heir.name() != request.successor() &&
        std::find(predecessors.begin(), predecessors.end(), request.successor()) == predecessors.end()) {
      continue;
    }
    for (const std::string& name : inherited) {
      if (std::find(predecessors.begin(), predecessors.end(), name) == predecessors.end()) {
        *predecessors.Add() = name;
      }
    }
    std::sort(predecessors.begin(), predecessors.end());
    changed.push_back(heir.name());
  }
  return absl::OkStatus();
}

// Gives a body a force from a day on, unless it holds one on that day or another body holds that force.
bool GiveForce(const Register& all, std::string_view force, absl::CivilDay date, Body& body) {
  if (!ForceHeld(body, date).empty() || all.HolderOf(force, date) != nullptr) {
    return false;
  }
  ForceLink link;
  link.set_force(std::string(force));
  *link.mutable_valid_from() = base::ToProtoDate(date);
  auto& links = *body.mutable_force_links();
  const auto later = std::find_if(links.begin(), links.end(), [&](const ForceLink& other) {
    const auto from = base::ToCivilDay(other.valid_from());
    return from && *from > date;
  });
  if (later != links.end()) {
    *link.mutable_valid_to() = base::ToProtoDate(*base::ToCivilDay(later->valid_from()) - 1);
  }
  const int place = static_cast<int>(later - links.begin());
  *links.Add() = std::move(link);
  std::rotate(links.begin() + place, links.end() - 1, links.end());
  body.set_force(links.rbegin()->force());
  return true;
}

template <typename Message>
std::vector<Message> Named(const std::vector<Message>& all, const std::vector<std::string>& names) {
  std::vector<Message> found;
  for (const Message& message : all) {
    if (std::find(names.begin(), names.end(), message.name()) != names.end()) {
      found.push_back(message);
    }
  }
  return found;
}

}  // namespace

const Force* Register::FindForce(std::string_view name) const { return FindNamed(forces, name); }
const Body* Register::FindBody(std::string_view name) const { return FindNamed(bodies, name); }
Body* Register::FindBody(std::string_view name) { return FindNamed(bodies, name); }
Force* Register::FindForce(std::string_view name) { return FindNamed(forces, name); }

const Body* Register::HolderOf(std::string_view force, absl::CivilDay day) const {
  const auto holder =
      std::find_if(bodies.begin(), bodies.end(), [&](const Body& body) { return ForceHeld(body, day) == force; });
  return holder == bodies.end() ? nullptr : &*holder;
}

const Force& Register::ForceOn(std::string_view force, absl::CivilDay day) const {
  const Force* now = FindForce(force);
  while (now->has_succession() && *base::ToCivilDay(now->succession().date()) <= day) {
    const Force* const next = FindForce(now->succession().successor());
    if (next == nullptr) {
      break;  // while the register is given back after a restore
    }
    now = next;
  }
  return *now;
}

std::string Register::BodyOn(std::string_view body, absl::CivilDay day) const {
  const Body* now = FindBody(body);
  while (now != nullptr && now->has_succession() && *base::ToCivilDay(now->succession().date()) <= day) {
    now = FindBody(now->succession().successor());
  }
  return now == nullptr ? std::string(body) : now->name();
}

std::string ForceHeld(const Body& body, absl::CivilDay day) {
  if (IsThere(body, day)) {
    for (const ForceLink& link : body.force_links()) {
      if (DaysOf<ForceLink>(link).Holds(day)) {
        return link.force();
      }
    }
  }
  return "";
}

void ValidateCreateForce(const v1::CreateForceRequest& request, Violations& violations) {
  base::CheckResourceId("force_id", request.force_id(), violations);
  if (request.has_force()) {
    ValidateForce(request.force(), violations);
  } else {
    violations.Add("force", "is required");
  }
}

void ValidateCreateBody(const v1::CreateBodyRequest& request, Violations& violations) {
  base::CheckResourceId("body_id", request.body_id(), violations);
  if (!request.has_body()) {
    violations.Add("body", "is required");
    return;
  }
  ValidateBody(Normalised(request.body()), violations);
  const auto& links = request.body().force_links();
  if (!links.empty() && !request.body().force().empty() && links.rbegin()->force() != request.body().force()) {
    violations.Add("body.force", "differs from the last of force_links: send one of them");
  }
}

void ValidateUpdateForce(const v1::UpdateForceRequest& request, Violations& violations) {
  ValidateUpdate(request.update_mask(), ForceFields(), request.etag(), request.force().etag(), "force", violations);
}

void ValidateUpdateBody(const v1::UpdateBodyRequest& request, Violations& violations) {
  ValidateUpdate(request.update_mask(), BodyFields(), request.etag(), request.body().etag(), "body", violations);
  const auto& paths = request.update_mask().paths();
  if (std::find(paths.begin(), paths.end(), "force") != paths.end() &&
      std::find(paths.begin(), paths.end(), "force_links") != paths.end()) {
    violations.Add("update_mask", "names both force and force_links: the last of the links is the force");
  }
}

void ApplyUpdate(const v1::UpdateForceRequest& request, Force& force, Violations& violations) {
  CopyMasked(request.force(), request.update_mask(), ForceFields(), force);
  ValidateForce(force, violations);
}

void ApplyUpdate(const v1::UpdateBodyRequest& request, Body& body, Violations& violations) {
  CopyMasked(request.body(), request.update_mask(), BodyFields(), body);
  const auto& paths = request.update_mask().paths();
  if (std::find(paths.begin(), paths.end(), "force") != paths.end()) {
    if (body.force_links().empty()) {
      body.add_force_links();
    }
    body.mutable_force_links()->rbegin()->set_force(body.force());
    if (body.force().empty()) {
      body.mutable_force_links()->RemoveLast();
    }
  }
  body.set_force(body.force_links().empty() ? "" : body.force_links().rbegin()->force());
  ValidateBody(body, violations);
}

Body Normalised(const Body& given) {
  Body body = given;
  for (const char* field : {"name", "create_time", "etag", "succession", "predecessors"}) {
    body.GetReflection()->ClearField(&body, Body::descriptor()->FindFieldByName(field));
  }
  if (!body.force_links().empty()) {
    body.set_force(body.force_links().rbegin()->force());
  } else if (!body.force().empty()) {
    body.add_force_links()->set_force(body.force());
  }
  return body;
}

absl::Status CheckLinks(const Register& all, const Body& body) {
  Violations violations;
  for (int i = 0; i < body.force_links_size(); ++i) {
    const std::string& force = body.force_links(i).force();
    if (base::ParseName(force, base::kForceName) && all.FindForce(force) == nullptr) {
      violations.Add(i + 1 == body.force_links_size() ? "body.force" : fmt::format("body.force_links[{}].force", i),
                     fmt::format("{} is not registered", force));
    }
  }
  RETURN_IF_ERROR(violations.ToStatus());
  if (body.registered_by_mistake()) {
    return absl::OkStatus();
  }
  for (const Body& other : all.bodies) {
    if (other.name() == body.name() || other.registered_by_mistake()) {
      continue;
    }
    for (const ForceLink& link : body.force_links()) {
      for (const ForceLink& held : other.force_links()) {
        if (held.force() == link.force() && !Common(DaysOf(link, body), DaysOf(held, other)).Empty()) {
          return base::Error(
              absl::StatusCode::kFailedPrecondition, "FORCE_HAS_BODY",
              fmt::format("{} is held to account by {} already: end that first, or let SucceedBody do it", link.force(),
                          other.name()),
              {{"force", link.force()}, {"body", other.name()}});
        }
      }
    }
  }
  return absl::OkStatus();
}

void ValidateSucceedBody(const v1::SucceedBodyRequest& request, Violations& violations) {
  ValidateSucceed(request, base::kBodyName, violations);
}

void ValidateSucceedForce(const v1::SucceedForceRequest& request, Violations& violations) {
  ValidateSucceed(request, base::kForceName, violations);
}

absl::StatusOr<BodySuccession> Succeed(const v1::SucceedBodyRequest& request, const Register& all) {
  Register after = all;
  std::vector<std::string> changed;
  RETURN_IF_ERROR(Replace(request, after.bodies, changed));
  const absl::CivilDay date = *base::ToCivilDay(request.date());
  Body& successor = *after.FindBody(request.successor());
  const Body& predecessor = *after.FindBody(request.name());
  // What it held on its last day, which may lie before the successor's first.
  if (const std::string held = ForceHeld(predecessor, *DaysOf<Body>(predecessor).to); !held.empty()) {
    GiveForce(after, after.ForceOn(held, date).name(), date, successor);
  }
  RETURN_IF_ERROR(CheckLinks(after, successor));
  BodySuccession result;
  result.bodies = Named(after.bodies, changed);
  *result.event.mutable_predecessor() = *after.FindBody(request.name());
  *result.event.mutable_successor() = successor;
  if (const std::string held = ForceHeld(successor, date); !held.empty()) {
    *result.event.mutable_force() = *after.FindForce(held);
  }
  return result;
}

absl::StatusOr<ForceSuccession> Succeed(const v1::SucceedForceRequest& request, const Register& all) {
  Register after = all;
  std::vector<std::string> changed;
  RETURN_IF_ERROR(Replace(request, after.forces, changed));
  const absl::CivilDay date = *base::ToCivilDay(request.date());
  std::vector<std::string> bodies;
  // Who held it then and later holds it no longer: there is no such force.
  for (Body& body : after.bodies) {
    bool held_before = false;
    auto& links = *body.mutable_force_links();
    for (int i = links.size() - 1; i >= 0; --i) {
      const Days days = DaysOf(links[i], body);
      if (links[i].force() != request.name() || (days.to && *days.to < date)) {
        continue;
      }
      if (days.from && *days.from >= date) {
        links.erase(links.begin() + i);
      } else {
        *links[i].mutable_valid_to() = base::ToProtoDate(date - 1);
        held_before = true;
      }
      bodies.push_back(body.name());
    }
    if (!links.empty()) {
      body.set_force(links.rbegin()->force());
    }
    if (held_before && IsThere(body, date)) {
      GiveForce(after, request.successor(), date, body);
    }
  }
  if (const Body* holder = after.HolderOf(request.successor(), date); holder != nullptr) {
    bodies.push_back(holder->name());
  }
  ForceSuccession result;
  result.forces = Named(after.forces, changed);
  result.bodies = Named(after.bodies, bodies);
  *result.event.mutable_predecessor() = *after.FindForce(request.name());
  *result.event.mutable_successor() = *after.FindForce(request.successor());
  result.event.mutable_bodies()->Assign(result.bodies.begin(), result.bodies.end());
  return result;
}

}  // namespace section55::registry::rules
