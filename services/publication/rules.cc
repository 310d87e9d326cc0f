#include "services/publication/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <tuple>

#include "libs/base/checks.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/calendar/london.h"
#include "libs/calendar/rules.h"

namespace section55::publication::rules {
namespace {

using authoring::v1::Response;
using registry::v1::Inspection;
using v1::Copy;
using v1::Recipient;

constexpr size_t kLongestTitle = 200;
constexpr size_t kLongestAddress = 254;  // RFC 5321 lets a path be 256 characters with its angle brackets

// By how much the clocks of two services may differ.
constexpr absl::Duration kClockSkew = absl::Minutes(1);

// Enough to catch a slip of the pen: whether an address exists only sending can tell.
bool IsMailAddress(std::string_view address) {
  const size_t at = address.find('@');
  const bool visible =
      std::all_of(address.begin(), address.end(), [](unsigned char c) { return c > ' ' && c != 0x7f; });
  return visible && at != std::string_view::npos && at > 0 && at + 1 < address.size() &&
         address.find_first_of("@<>,;\"", at + 1) == std::string_view::npos &&
         address.substr(0, at).find_first_of("<>,;\"") == std::string_view::npos;
}

// The one to send this kind of copy to, or null.
const Recipient* Choose(const std::vector<Recipient>& recipients, Copy::RecipientKind kind) {
  // Own before national, then the one most recently valid, then by name so that the choice never depends on chance.
  const auto rank = [](const Recipient& recipient) {
    const absl::CivilDay from = base::ToCivilDay(recipient.valid_from()).value_or(absl::CivilDay());
    return std::tuple(recipient.body().empty(), absl::CivilDay() - from, recipient.name());
  };
  const Recipient* chosen = nullptr;
  for (const Recipient& recipient : recipients) {
    if (recipient.kind() == kind && (chosen == nullptr || rank(recipient) < rank(*chosen))) {
      chosen = &recipient;
    }
  }
  return chosen;
}

Copy MakeCopy(const v1::PublicationRecord& record, Copy::RecipientKind kind, std::string_view id) {
  Copy copy;
  copy.set_name(fmt::format("{}/editions/{}/copies/{}", record.name(), record.edition(), id));
  copy.set_recipient_kind(kind);
  copy.set_state(Copy::QUEUED);
  *copy.mutable_queued_time() = record.edition_published_time();
  return copy;
}

void SetRecipient(Copy& copy, const Recipient& recipient) {
  copy.set_recipient_title(recipient.display_name());
  copy.set_address(recipient.address());
}

}  // namespace

std::optional<absl::CivilDay> LastLawfulDay(const Inspection& report) {
  const std::optional<absl::CivilDay> published = base::ToCivilDay(report.publication_date());
  if (report.basis() != Inspection::STATUTE_S55 || !published) {
    return std::nullopt;
  }
  const auto explained = calendar::Explain(calendar::kSection55Rule, *published);
  return explained.ok() ? explained->due_date : std::nullopt;
}

absl::StatusOr<v1::PublicationRecord> Describe(const Response& approved,
                                               const std::optional<v1::PublicationRecord>& earlier) {
  const auto ids = base::ParseName(approved.name(), base::kResponseName);
  base::Violations violations;
  if (!ids) {
    violations.Add("response.name", "must be a response's name, \"bodies/norfolk-pcc/responses/safe-to-share\"");
  }
  if (!base::ToCivilDay(approved.report().publication_date())) {
    violations.Add("response.report.publication_date", "must be a full and real date");
  }
  if (approved.edition() < 1) {
    violations.Add("response.edition", "must be 1 or more");
  }
  RETURN_IF_ERROR(violations.ToStatus());
  v1::PublicationRecord record;
  record.set_name(base::MakeName(base::kPublicationName, {(*ids)[0], (*ids)[1]}));
  record.set_state(v1::PublicationRecord::PUBLISHED);
  record.set_statutory(LastLawfulDay(approved.report()).has_value());
  record.set_edition(approved.edition());
  record.set_inspection(base::MakeName(base::kInspectionName, {(*ids)[1]}));
  record.set_inspection_title(approved.report().title());
  *record.mutable_inspection_publication_date() = approved.report().publication_date();
  record.set_body_title(approved.body().display_name());
  record.set_page_path(fmt::format("/responses/{}/{}", (*ids)[0], (*ids)[1]));
  if (earlier) {
    *record.mutable_published_time() = earlier->published_time();
    record.set_day_number(earlier->day_number());
    record.set_late_by_days(earlier->late_by_days());
    record.set_statutory(earlier->statutory());
  }
  return record;
}

absl::StatusOr<v1::PublicationRecord> Publish(const Response& approved,
                                              const std::optional<v1::PublicationRecord>& earlier, absl::Time now,
                                              const Remembered& remembered) {
  ASSIGN_OR_RETURN(v1::PublicationRecord record, Describe(approved, earlier));
  std::optional<absl::Time> instant = remembered.edition;
  if (!instant && approved.edition() == 1 && remembered.first &&
      base::FromTimestamp(approved.approval().time()) <= *remembered.first + kClockSkew) {
    instant = remembered.first;  // what was approved later is another text than the one published then
  }
  *record.mutable_edition_published_time() = base::ToTimestamp(instant.value_or(now));
  if (!earlier) {
    const absl::Time first = remembered.first.value_or(instant.value_or(now));
    const absl::CivilDay today = calendar::LondonDay(first);
    const std::optional<absl::CivilDay> last_day = LastLawfulDay(approved.report());
    *record.mutable_published_time() = base::ToTimestamp(first);
    record.set_day_number(calendar::DayNumber(base::ToCivilDay(approved.report().publication_date()).value(), today));
    record.set_late_by_days(last_day ? calendar::LateByDays(*last_day, today) : 0);
  }
  return record;
}

std::string_view CopyId(Copy::RecipientKind kind) {
  switch (kind) {
    case Copy::INSPECTORATE:
      return "inspectorate";
    case Copy::SECRETARY_OF_STATE:
      return "secretary-of-state";
    case Copy::CHIEF_OFFICER:
      return "chief-officer";
    case Copy::SCRUTINY_BODY:
      return "scrutiny-body";
    default:
      return "";
  }
}

std::vector<Copy> CopiesOwed(const Response& approved, const v1::PublicationRecord& record,
                             const std::vector<Recipient>& recipients) {
  const bool under_statute = approved.report().basis() == Inspection::STATUTE_S55;
  std::vector<Copy> copies;
  const auto owe = [&](Copy::RecipientKind kind, const std::string& own_words, std::string_view provision) {
    Copy copy = MakeCopy(record, kind, CopyId(kind));
    copy.set_recipient_title(own_words);
    copy.set_provision(std::string(under_statute ? provision : ""));
    if (const Recipient* recipient = Choose(recipients, kind); recipient != nullptr) {
      SetRecipient(copy, *recipient);
    }
    copies.push_back(std::move(copy));
  };
  owe(Copy::INSPECTORATE, "His Majesty's Inspectors of Constabulary", "section 55(6)(a)");
  owe(Copy::SECRETARY_OF_STATE, "Secretary of State for the Home Department", "section 55(6)(b)");
  owe(Copy::CHIEF_OFFICER,
      fmt::format("{} of {}", approved.force().chief_officer_title(), approved.force().display_name()), "");
  if (!approved.body().scrutiny_body().empty()) {
    owe(Copy::SCRUTINY_BODY, approved.body().scrutiny_body(), "");
  }
  for (const Recipient& recipient : recipients) {
    if (recipient.kind() == Copy::OTHER) {
      Copy copy =
          MakeCopy(record, Copy::OTHER, std::string_view(recipient.name()).substr(recipient.name().rfind('/') + 1));
      SetRecipient(copy, recipient);
      copies.push_back(std::move(copy));
    }
  }
  return copies;
}

void CheckRecipient(const v1::CreateRecipientRequest& request, base::Violations& violations) {
  const Recipient& recipient = request.recipient();
  if (!base::IsResourceId(request.recipient_id())) {
    violations.Add("recipient_id", "must be lower-case letters, digits and inner hyphens, 1 to 63 characters");
  }
  if (recipient.kind() == Copy::RECIPIENT_KIND_UNSPECIFIED || !Copy::RecipientKind_IsValid(recipient.kind())) {
    violations.Add("recipient.kind", "must be INSPECTORATE, SECRETARY_OF_STATE, CHIEF_OFFICER, SCRUTINY_BODY or OTHER");
  }
  // The copies for an OTHER recipient bear its id, and must not pass for one of the four.
  for (const Copy::RecipientKind kind :
       {Copy::INSPECTORATE, Copy::SECRETARY_OF_STATE, Copy::CHIEF_OFFICER, Copy::SCRUTINY_BODY}) {
    if (recipient.kind() == Copy::OTHER && request.recipient_id() == CopyId(kind)) {
      violations.Add("recipient_id", "is kept for another kind of recipient");
    }
  }
  if (!recipient.body().empty() && !base::ParseName(recipient.body(), base::kBodyName)) {
    violations.Add("recipient.body", "must be a body's name, \"bodies/norfolk-pcc\", or empty for every body");
  }
  base::CheckName("recipient.display_name", recipient.display_name(), kLongestTitle, base::Presence::kRequired,
                  violations);
  if (recipient.address().size() > kLongestAddress || !IsMailAddress(recipient.address())) {
    violations.Add("recipient.address",
                   fmt::format("must be a mail address of at most {} characters", kLongestAddress));
  }
  const std::optional<absl::CivilDay> from = base::ToCivilDay(recipient.valid_from());
  const std::optional<absl::CivilDay> to = base::ToCivilDay(recipient.valid_to());
  if (!from) {
    violations.Add("recipient.valid_from", "must be a full and real date");
  }
  if (recipient.has_valid_to() && !to) {
    violations.Add("recipient.valid_to", "must be a full and real date, or not set");
  }
  if (from && to && *to < *from) {
    violations.Add("recipient.valid_to", "must not be before valid_from");
  }
}

}  // namespace section55::publication::rules
