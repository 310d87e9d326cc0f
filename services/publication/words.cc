#include "services/publication/words.h"

#include <fmt/format.h>

#include "libs/base/proto_time.h"
#include "libs/calendar/format.h"

namespace section55::publication {
namespace {

using authoring::v1::Answer;
using registry::v1::Addressee;
using registry::v1::Due;
using registry::v1::Finding;
using registry::v1::Inspection;

// The period of section 55(5A), as its readers count it.
constexpr int kStatutoryDays = 56;

}  // namespace

std::string KindWords(Inspection::Kind kind) {
  switch (kind) {
    case Inspection::PEEL_FORCE:
      return "PEEL inspection of a force";
    case Inspection::PEEL_SPOTLIGHT:
      return "PEEL spotlight";
    case Inspection::THEMATIC:
      return "Thematic inspection";
    case Inspection::JOINT:
      return "Joint inspection";
    case Inspection::SUPER_COMPLAINT:
      return "Super-complaint";
    case Inspection::CUSTODY:
      return "Custody inspection";
    case Inspection::CHILD_PROTECTION:
      return "Child protection inspection";
    case Inspection::CRIME_DATA_INTEGRITY:
      return "Crime data integrity inspection";
    case Inspection::SERIOUS_AND_ORGANISED_CRIME:
      return "Serious and organised crime inspection";
    case Inspection::INTEGRITY:
      return "Integrity inspection";
    case Inspection::COMMISSIONED_BY_HOME_SECRETARY:
      return "Commissioned by the Home Secretary";
    case Inspection::COMMISSIONED_BY_BODY:
      return "Commissioned by a local policing body";
    case Inspection::PROGRESS_REVIEW:
      return "Progress review";
    case Inspection::REVISIT:
      return "Revisit";
    case Inspection::STATE_OF_POLICING:
      return "State of Policing";
    case Inspection::ENGAGEMENT_LETTER:
      return "Engagement letter";
    case Inspection::REVISIT_LETTER:
      return "Revisit letter";
    default:
      return "Inspection";
  }
}

std::string DutyWords(Inspection::Basis basis) {
  switch (basis) {
    case Inspection::STATUTE_S55:
      return "Response under section 55 of the Police Act 1996";
    case Inspection::REQUESTED_BY_REPORT:
      return "Response requested by the report";
    default:
      return "Voluntary response";
  }
}

std::string FindingName(const authoring::v1::Response& response, const Finding& finding) {
  return fmt::format("{}/findings/{}", response.inspection(), finding.id());
}

std::string FindingWords(const Finding& finding) {
  const auto kind = [&]() -> std::string {
    switch (finding.kind()) {
      case Finding::CAUSE_OF_CONCERN:
        return "Cause of concern";
      case Finding::RECOMMENDATION:
        return "Recommendation";
      case Finding::AREA_FOR_IMPROVEMENT:
        return "Area for improvement";
      case Finding::PRACTICE:
        return "Innovative or promising practice";
      default:
        return "Finding";
    }
  }();
  return finding.number().empty() ? kind : fmt::format("{} {}", kind, finding.number());
}

std::string AddresseeWords(const Addressee& addressee, const authoring::v1::Response& response) {
  switch (addressee.kind()) {
    case Addressee::ALL_CHIEF_CONSTABLES:
      return "All chief constables";
    case Addressee::ALL_LOCAL_POLICING_BODIES:
      return "All local policing bodies";
    case Addressee::CHIEF_CONSTABLES_AND_LOCAL_POLICING_BODIES:
      return "Chief constables and local policing bodies jointly";
    case Addressee::FORCE:
      return addressee.name() == response.force().name() ? response.force().display_name() : addressee.name();
    case Addressee::LOCAL_POLICING_BODY:
      return addressee.name() == response.body().name() ? response.body().display_name() : addressee.name();
    case Addressee::REGION:
      return fmt::format("Forces of the region {}", addressee.name());
    case Addressee::NATIONAL_POLICE_CHIEFS_COUNCIL:
      return "National Police Chiefs\u2019 Council";
    case Addressee::ASSOCIATION_OF_POLICE_AND_CRIME_COMMISSIONERS:
      return "Association of Police and Crime Commissioners";
    case Addressee::COLLEGE_OF_POLICING:
      return "College of Policing";
    case Addressee::INDEPENDENT_OFFICE_FOR_POLICE_CONDUCT:
      return "Independent Office for Police Conduct";
    case Addressee::HOME_OFFICE:
      return "Home Office";
    case Addressee::MINISTRY_OF_JUSTICE:
      return "Ministry of Justice";
    case Addressee::CROWN_PROSECUTION_SERVICE:
      return "Crown Prosecution Service";
    default:  // CONDITIONAL and OTHER are named in full
      return addressee.name();
  }
}

std::string DueWords(const Due& due) {
  if (!due.words().empty()) {
    return due.words();
  }
  const std::optional<absl::CivilDay> day = base::ToCivilDay(due.date());
  switch (due.precision()) {
    case Due::IMMEDIATE:
      return "immediately";
    case Due::DAY:
      return day ? "by " + calendar::FormatDate(*day) : "";
    case Due::MONTH: {
      // FormatDate writes "1 January 2024"; a month is what follows its day.
      google::type::Date first = due.date();
      first.set_day(1);
      const std::optional<absl::CivilDay> month = base::ToCivilDay(first);
      return month ? "by " + calendar::FormatDate(*month).substr(2) : "";
    }
    default:
      return "";
  }
}

std::string AnswerWords(Answer::Kind kind) {
  switch (kind) {
    case Answer::ACTION_TAKEN:
      return "Action taken";
    case Answer::ACTION_PROPOSED:
      return "Action proposed";
    case Answer::NO_ACTION:
      return "No action";
    default:
      return "No answer recorded";
  }
}

std::string TimelinessWords(const v1::PublicationRecord& record) {
  if (!record.statutory()) {
    return record.day_number() == 0 ? "No statutory day" : fmt::format("Day {}, no statutory day", record.day_number());
  }
  if (record.late_by_days() == 0) {
    return fmt::format("Day {} of {}", record.day_number(), kStatutoryDays);
  }
  return fmt::format("Late by {} {}", record.late_by_days(), record.late_by_days() == 1 ? "day" : "days");
}

std::string InstantWords(const google::protobuf::Timestamp& instant) {
  // Nothing here was published in 1970.
  return instant.seconds() == 0 ? "" : calendar::FormatLondonInstant(base::FromTimestamp(instant));
}

}  // namespace section55::publication
