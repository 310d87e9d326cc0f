#include "tests/e2e/main_job.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "absl/strings/str_split.h"
#include "libs/calendar/london.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/deadlines/v1/events.pb.h"

namespace section55::e2e {
namespace {

using authoring::v1::Answer;
using authoring::v1::Response;
using authoring::v1::ResponseAuthoring;
using publication::v1::Copy;
using publication::v1::Publication;
using registry::v1::Addressee;
using registry::v1::Finding;
using registry::v1::Inspection;
using registry::v1::InspectionRegistry;
using testing::Suite;

Finding& AddFinding(Inspection& inspection, Finding::Kind kind, std::string_view number, std::string_view text,
                    const std::vector<Addressee::Kind>& addressees = {}) {
  Finding& finding = *inspection.add_findings();
  finding.set_kind(kind);
  finding.set_number(std::string(number));
  finding.set_text(std::string(text));
  for (const Addressee::Kind addressee : addressees) {
    finding.add_addressees()->set_kind(addressee);
  }
  return finding;
}

}  // namespace

std::vector<Area> ReadAreas(const std::vector<std::string>& forces) {
  std::ifstream table(SECTION55_SOURCE_DIR "/deploy/sample/bodies.tsv");
  std::vector<Area> areas;
  std::string line;
  std::getline(table, line);  // the columns
  while (std::getline(table, line)) {
    const std::vector<std::string> columns = absl::StrSplit(line, '\t');
    if (columns.size() != 10) {
      ADD_FAILURE() << "bodies.tsv has a line of " << columns.size() << " columns: " << line;
      continue;
    }
    if (!forces.empty() && std::find(forces.begin(), forces.end(), columns[0]) == forces.end()) {
      continue;
    }
    Area area;
    area.force = columns[0];
    area.territorial = columns[4] == "true";
    area.create_force.set_force_id(columns[0]);
    auto& force = *area.create_force.mutable_force();
    force.set_display_name(columns[1]);
    force.set_chief_officer_title(columns[2]);
    force.set_region(columns[3]);
    force.set_territorial(area.territorial);
    area.body = columns[5];
    area.create_body.set_body_id(columns[5]);
    auto& body = *area.create_body.mutable_body();
    body.set_display_name(columns[6]);
    registry::v1::Body::Kind kind = registry::v1::Body::KIND_UNSPECIFIED;
    EXPECT_TRUE(registry::v1::Body::Kind_Parse(columns[7], &kind)) << line;
    body.set_kind(kind);
    body.set_force("forces/" + columns[0]);
    body.set_scrutiny_body(columns[8]);
    body.set_place_name(columns[9]);
    areas.push_back(std::move(area));
  }
  EXPECT_FALSE(areas.empty()) << "bodies.tsv cannot be read";
  return areas;
}

google::type::Date Date(int year, int month, int day) {
  google::type::Date date;
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
  return date;
}

absl::Time London(int year, int month, int day, int hour, int minute) {
  return absl::FromCivil(absl::CivilMinute(year, month, day, hour, minute), calendar::LondonTimeZone());
}

Inspection SafeToShare() {
  Inspection inspection;
  inspection.set_title("Safe to share? Report on Liberty and Southall Black Sisters’ super-complaint");
  inspection.add_kinds(Inspection::SUPER_COMPLAINT);
  for (const char* publisher : {"HMICFRS", "IOPC", "College of Policing"}) {
    inspection.add_publishers(publisher);
  }
  *inspection.mutable_publication_date() = Date(2020, 12, 17);
  inspection.set_basis(Inspection::STATUTE_S55);
  inspection.mutable_scope()->set_all_forces(true);
  const auto add = [&](std::string_view number, std::string_view text, const std::vector<Addressee::Kind>& to) {
    AddFinding(inspection, Finding::RECOMMENDATION, number, text, to);
  };
  add("1",
      "Where there are only doubts, victims’ details are not passed on.\n\n- Safety first:\n  - find out;\n  - "
      "explain.",
      {Addressee::ALL_CHIEF_CONSTABLES});
  add("2", "Review the law and the policy.", {Addressee::HOME_OFFICE});
  add("3", "Develop a protocol.", {Addressee::HOME_OFFICE, Addressee::NATIONAL_POLICE_CHIEFS_COUNCIL});
  add("4", "Build a safe way to report, with [information for the public](https://www.police.uk/).",
      {Addressee::ALL_CHIEF_CONSTABLES});
  add("5", "Assess local support together.", {Addressee::CHIEF_CONSTABLES_AND_LOCAL_POLICING_BODIES});
  add("6", "Think of migrant victims when commissioning.", {Addressee::ALL_LOCAL_POLICING_BODIES});
  return inspection;
}

Inspection CustodyReport(const std::vector<std::string>& forces) {
  Inspection inspection;
  inspection.set_title("Custody in two forces: ŵ ŷ and “curly quotes” & <angle brackets>");
  inspection.add_kinds(Inspection::CUSTODY);
  inspection.add_kinds(Inspection::JOINT);
  inspection.add_publishers("HMICFRS");
  inspection.add_publishers("HMI Prisons");
  *inspection.mutable_publication_date() = Date(2020, 12, 16);
  inspection.set_basis(Inspection::STATUTE_S55);
  for (const std::string& force : forces) {
    inspection.mutable_scope()->add_forces("forces/" + force);
  }
  AddFinding(inspection, Finding::CAUSE_OF_CONCERN, "1", "Detainees’ risks are not understood.").set_id("concern");
  Finding& own =
      AddFinding(inspection, Finding::RECOMMENDATION, "1a",
                 "At once:\n\n- review\n  - every cell, and\n    - its [ligature points](https://www.gov.uk/);\n"
                 "- record what was found.");
  own.set_parent("concern");
  own.add_addressees()->set_kind(Addressee::FORCE);
  own.mutable_addressees(0)->set_name("forces/" + forces.front());
  own.mutable_due()->set_precision(registry::v1::Due::IMMEDIATE);
  AddFinding(inspection, Finding::RECOMMENDATION, "1b", "Within three months, train everybody.",
             {Addressee::ALL_CHIEF_CONSTABLES})
      .set_parent("concern");
  AddFinding(inspection, Finding::AREA_FOR_IMPROVEMENT, "1", "Meals could be better.",
             {Addressee::ALL_CHIEF_CONSTABLES});
  return inspection;
}

std::string ResponseName(const Area& area, std::string_view inspection_id) {
  return fmt::format("bodies/{}/responses/{}", area.body, inspection_id);
}
std::string DeadlineName(const Area& area, std::string_view inspection_id) {
  return fmt::format("bodies/{}/deadlines/{}", area.body, inspection_id);
}
std::string PublicationName(const Area& area, std::string_view inspection_id) {
  return fmt::format("bodies/{}/publications/{}", area.body, inspection_id);
}

void MakePeople(const Area& area) {
  testing::Pki& pki = testing::Pki::Get();
  pki.AddPerson(area.force + "-author", {"author@bodies/" + area.body});
  pki.AddPerson(area.force + "-approver", {"approver@bodies/" + area.body});
  pki.AddPerson(area.force + "-chief-officer", {"chief-officer@forces/" + area.force});
}

void MainJob::Complain(const std::string& what, const absl::Status& status) {
  ADD_FAILURE() << what << ": " << status.ToString();
}

void MainJob::Register(const std::vector<Area>& areas) {
  for (const Area& area : areas) {
    Do("registrar", &InspectionRegistry::Stub::CreateForce, area.create_force);
    Do("registrar", &InspectionRegistry::Stub::CreateBody, area.create_body);
  }
}

void MainJob::RegisterRecipients() {
  const auto add = [&](std::string_view id, Copy::RecipientKind kind, std::string_view body, std::string_view title) {
    publication::v1::CreateRecipientRequest request;
    request.set_recipient_id(std::string(id));
    auto& recipient = *request.mutable_recipient();
    recipient.set_kind(kind);
    recipient.set_body(std::string(body));
    recipient.set_display_name(std::string(title));
    recipient.set_address(fmt::format("{}@example.org", id));
    *recipient.mutable_valid_from() = Date(2017, 1, 1);
    Do("operator", &Publication::Stub::CreateRecipient, request);
  };
  add("hmicfrs", Copy::INSPECTORATE, "", "HMICFRS");
  add("home-office", Copy::SECRETARY_OF_STATE, "", "The Home Secretary");
  add("norfolk-chief-constable", Copy::CHIEF_OFFICER, "bodies/norfolk-pcc", "Chief Constable of Norfolk");
  add("norfolk-panel", Copy::SCRUTINY_BODY, "bodies/norfolk-pcc", "Norfolk Police and Crime Panel");
}

void MainJob::Publish(const std::string& inspection_id, const Inspection& inspection) {
  registry::v1::CreateInspectionRequest create;
  create.set_inspection_id(inspection_id);
  *create.mutable_inspection() = inspection;
  EXPECT_EQ(Do("registrar", &InspectionRegistry::Stub::CreateInspection, create).state(), Inspection::DRAFT);
  registry::v1::PublishInspectionRequest publish;
  publish.set_name("inspections/" + inspection_id);
  EXPECT_EQ(Do("registrar", &InspectionRegistry::Stub::PublishInspection, publish).state(), Inspection::PUBLISHED);
}

Response MainJob::AwaitResponse(const std::string& name) {
  return suite_.AwaitEvent<authoring::v1::ResponseOpened>(name).response();
}

deadlines::v1::Deadline MainJob::AwaitDeadline(const std::string& name) {
  return suite_.AwaitEvent<deadlines::v1::DeadlineOpened>(name).deadline();
}

Response MainJob::AwaitPublished(const std::string& name) {
  Response response;
  // No event says so, as it is publication's event that makes it so: asked again until it has arrived.
  suite_.Until(name + " is published", [&] {
    response = Get("auditor", name);
    return response.state() == Response::PUBLISHED;
  });
  return response;
}

void MainJob::Invite(const Area& area, const std::string& response, const google::type::Date& comments_due) {
  authoring::v1::InviteChiefOfficerRequest request;
  request.set_name(response);
  *request.mutable_comments_due_date() = comments_due;
  Do(area.force + "-author", &ResponseAuthoring::Stub::InviteChiefOfficer, request);
}

void MainJob::Comment(const Area& area, const std::string& response) {
  authoring::v1::SubmitChiefOfficerCommentsRequest request;
  request.set_name(response);
  auto& general = *request.add_contributions();
  general.set_author("Rowan Aldous");
  general.set_rank("Chief Constable");
  general.set_text("We accept what is said to us.");
  auto& special = *request.add_contributions();
  special.set_author("Marged Llŷr");
  special.set_rank("Detective Superintendent");
  const Response asked = Get(area.force + "-chief-officer", response);
  if (!asked.findings_to_answer().empty()) {
    special.set_finding(asked.findings_to_answer(0));
  }
  special.set_text("The instruction was given:\n\n- to all officers;\n- to the control room.");
  Do(area.force + "-chief-officer", &ResponseAuthoring::Stub::SubmitChiefOfficerComments, request);
}

Response MainJob::Write(const Area& area, const Response& response, std::string_view mark) {
  authoring::v1::UpdateResponseRequest request;
  Response& update = *request.mutable_response();
  update.set_name(response.name());
  update.set_key_findings(fmt::format("Key findings {}:\n\n1. first\n2. second", mark));
  update.set_comments(fmt::format("Comments {}. A victim is a victim first.", mark));
  for (const std::string& finding : response.findings_to_answer()) {
    const std::string id = finding.substr(finding.rfind('/') + 1);
    Answer& answer = *update.add_answers();
    answer.set_finding(id);
    answer.set_kind(Answer::ACTION_PROPOSED);
    answer.set_explanation(fmt::format("Answer {} to {}.", mark, id));
    answer.set_owner("Director of Commissioning");
    *answer.mutable_target_date() = Date(2021, 6, 17);
  }
  update.set_reply_to_chief_officer(fmt::format("Reply {}.", mark));
  update.set_monitoring(fmt::format("Monitoring {}: an update by 17 June 2021.", mark));
  update.mutable_signatory()->set_name("Eleanor Whitby");
  update.mutable_signatory()->set_title("Police and Crime Commissioner");
  for (const char* path :
       {"key_findings", "comments", "answers", "reply_to_chief_officer", "monitoring", "signatory"}) {
    request.mutable_update_mask()->add_paths(path);
  }
  return Do(area.force + "-author", &ResponseAuthoring::Stub::UpdateResponse, request);
}

void MainJob::Submit(const Area& area, const std::string& response) {
  authoring::v1::SubmitResponseRequest request;
  request.set_name(response);
  request.set_etag(Get(area.force + "-author", response).etag());
  EXPECT_EQ(Do(area.force + "-author", &ResponseAuthoring::Stub::SubmitResponse, request).state(), Response::IN_REVIEW);
}

void MainJob::Return(const Area& area, const std::string& response, const std::string& reason) {
  authoring::v1::ReturnResponseRequest request;
  request.set_name(response);
  request.set_reason(reason);
  const Response returned = Do(area.force + "-approver", &ResponseAuthoring::Stub::ReturnResponse, request);
  EXPECT_EQ(returned.state(), Response::OPEN);
  EXPECT_EQ(returned.last_return().reason(), reason);
}

void MainJob::Approve(const Area& area, const std::string& response) {
  authoring::v1::ApproveResponseRequest request;
  request.set_name(response);
  request.set_etag(Get(area.force + "-approver", response).etag());
  EXPECT_EQ(Do(area.force + "-approver", &ResponseAuthoring::Stub::ApproveResponse, request).state(),
            Response::APPROVED);
}

Response MainJob::AnswerInFull(const Area& area, const std::string& response, std::string_view mark) {
  Invite(area, response, Date(2021, 1, 14));
  Comment(area, response);
  const Response written = Write(area, Get(area.force + "-author", response), mark);
  Submit(area, response);
  Approve(area, response);
  return written;
}

void MainJob::ExemptAndRevoke(const Area& area, const std::string& response) {
  authoring::v1::ExemptResponseRequest exempt;
  exempt.set_name(response);
  exempt.set_kind(authoring::v1::Exemption::CLEARLY_NOT_THE_SUBJECT);
  exempt.set_reason("The force was not visited.");
  authoring::v1::ConfirmExemptionRequest confirm;
  confirm.set_name(response);
  confirm.set_etag(Do(area.force + "-author", &ResponseAuthoring::Stub::ExemptResponse, exempt).etag());
  EXPECT_EQ(Do(area.force + "-approver", &ResponseAuthoring::Stub::ConfirmExemption, confirm).state(),
            Response::EXEMPT);
  authoring::v1::RevokeExemptionRequest revoke;
  revoke.set_name(response);
  revoke.set_reason("It was visited after all.");
  EXPECT_EQ(Do(area.force + "-author", &ResponseAuthoring::Stub::RevokeExemption, revoke).state(), Response::OPEN);
}

Response MainJob::AnswerWithDetours(const Area& area, const std::string& response, std::string_view mark) {
  ExemptAndRevoke(area, response);
  Invite(area, response, Date(2021, 1, 14));
  Comment(area, response);
  const Response written = Write(area, Get(area.force + "-author", response), mark);
  authoring::v1::AnswerTogetherRequest together;
  together.set_name(response);
  together.add_findings(written.answers(1).finding());
  together.add_findings(written.answers(2).finding());
  together.mutable_answer()->set_kind(Answer::ACTION_TAKEN);
  together.mutable_answer()->set_explanation(fmt::format("Answered together {}.", mark));
  together.mutable_answer()->add_adopted_contributions("contribution-1");
  Response answered = Do(area.force + "-author", &ResponseAuthoring::Stub::AnswerTogether, together);
  for (const char* so_far : {"Monitoring {}: each", "Monitoring {}: each quarter."}) {
    authoring::v1::UpdateResponseRequest autosave;
    autosave.set_autosave(true);
    autosave.mutable_response()->set_name(response);
    autosave.mutable_response()->set_monitoring(fmt::format(fmt::runtime(so_far), mark));
    autosave.mutable_update_mask()->add_paths("monitoring");
    answered = Do(area.force + "-author", &ResponseAuthoring::Stub::UpdateResponse, autosave);
  }
  authoring::v1::CommentOnResponseRequest comment;
  comment.set_name(response);
  comment.mutable_comment()->set_audience(authoring::v1::Comment::OFFICE_AND_FORCE);
  comment.mutable_comment()->set_text("Is each quarter enough?");
  Do(area.force + "-chief-officer", &ResponseAuthoring::Stub::CommentOnResponse, comment);
  Submit(area, response);
  authoring::v1::ReturnResponseRequest back;
  back.set_name(response);
  back.set_reason("See the mark.");
  back.add_marks()->set_part("comments");
  back.mutable_marks(0)->set_text("Is this all?");
  EXPECT_EQ(Do(area.force + "-approver", &ResponseAuthoring::Stub::ReturnResponse, back).marks_size(), 1);
  Submit(area, response);
  Approve(area, response);
  return answered;
}

Response MainJob::Get(const std::string& person, const std::string& response) {
  authoring::v1::GetResponseRequest request;
  request.set_name(response);
  return Do(person, &ResponseAuthoring::Stub::GetResponse, request);
}

}  // namespace section55::e2e
