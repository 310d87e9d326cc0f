#include "services/response-authoring/views.h"

namespace section55::authoring::views {
namespace {

// What everybody who may see the response at all sees of it.
void CopyFrame(const v1::Response& from, v1::Response& to) {
  to.set_name(from.name());
  to.set_inspection(from.inspection());
  *to.mutable_findings_to_answer() = from.findings_to_answer();
  to.set_state(from.state());
  to.set_edition(from.edition());
  if (from.has_body()) {
    *to.mutable_body() = from.body();
  }
  if (from.has_force()) {
    *to.mutable_force() = from.force();
  }
  if (from.has_create_time()) {
    *to.mutable_create_time() = from.create_time();
  }
  if (from.has_update_time()) {
    *to.mutable_update_time() = from.update_time();
  }
  if (from.has_publish_time()) {
    *to.mutable_publish_time() = from.publish_time();
  }
  if (from.has_closure()) {
    *to.mutable_closure() = from.closure();
  }
  if (from.has_correction()) {
    *to.mutable_correction() = from.correction();
  }
  *to.mutable_transferred_from() = from.transferred_from();
}

// An invitation and what became of it, without the contributions themselves.
void CopyInvitation(const v1::ChiefOfficerPart& from, v1::ChiefOfficerPart& to) {
  if (from.has_invited_time()) {
    *to.mutable_invited_time() = from.invited_time();
  }
  if (from.has_comments_due_date()) {
    *to.mutable_comments_due_date() = from.comments_due_date();
  }
  if (from.has_no_comments_time()) {
    *to.mutable_no_comments_time() = from.no_comments_time();
  }
  if (from.has_commented_time()) {
    *to.mutable_commented_time() = from.commented_time();
  }
}

}  // namespace

v1::Response Basic(const v1::Response& response) {
  v1::Response basic;
  CopyFrame(response, basic);
  if (response.has_chief_officer()) {
    CopyInvitation(response.chief_officer(), *basic.mutable_chief_officer());
  }
  for (const v1::Answer& answer : response.answers()) {
    v1::Answer& copy = *basic.add_answers();
    copy.set_finding(answer.finding());
    copy.set_kind(answer.kind());
    copy.set_owner(answer.owner());
    if (answer.has_target_date()) {
      *copy.mutable_target_date() = answer.target_date();
    }
  }
  if (response.has_signatory()) {
    *basic.mutable_signatory() = response.signatory();
  }
  *basic.mutable_writers() = response.writers();
  if (response.has_submission()) {
    *basic.mutable_submission() = response.submission();
  }
  if (response.has_last_return()) {
    *basic.mutable_last_return() = response.last_return();
  }
  if (response.has_approval()) {
    *basic.mutable_approval() = response.approval();
  }
  if (response.has_refusal()) {
    *basic.mutable_refusal() = response.refusal();
  }
  if (response.has_exemption()) {
    *basic.mutable_exemption() = response.exemption();
  }
  if (response.has_bypass()) {
    *basic.mutable_bypass() = response.bypass();
  }
  return basic;
}

v1::Response ForForce(const v1::Response& response) {
  v1::Response shown;
  CopyFrame(response, shown);
  shown.set_etag(response.etag());
  if (response.has_report()) {
    *shown.mutable_report() = response.report();
  }
  if (response.has_chief_officer()) {
    *shown.mutable_chief_officer() = response.chief_officer();
  }
  if (response.state() == v1::Response::PUBLISHED) {
    shown.set_key_findings(response.key_findings());
    shown.set_comments(response.comments());
    *shown.mutable_answers() = response.answers();
    shown.set_reply_to_chief_officer(response.reply_to_chief_officer());
    shown.set_monitoring(response.monitoring());
    if (response.has_signatory()) {
      *shown.mutable_signatory() = response.signatory();
    }
  }
  if (response.state() == v1::Response::EXEMPT) {
    *shown.mutable_exemption() = response.exemption();
  }
  shown.DiscardUnknownFields();
  return shown;
}

v1::Response ForEverybody(const v1::Response& response) {
  v1::Response shown;
  shown.set_name(response.name());
  shown.set_inspection(response.inspection());
  shown.set_state(response.state());
  if (response.has_report()) {
    *shown.mutable_report() = response.report();
    shown.mutable_report()->clear_findings();
  }
  if (response.has_body()) {
    *shown.mutable_body() = response.body();
  }
  if (response.has_force()) {
    *shown.mutable_force() = response.force();
  }
  if (response.state() == v1::Response::EXEMPT) {
    v1::Exemption& exemption = *shown.mutable_exemption();
    exemption.set_kind(response.exemption().kind());
    exemption.set_reason(response.exemption().reason());
    exemption.set_discharged_by(response.exemption().discharged_by());
    *exemption.mutable_proposal()->mutable_time() = response.exemption().proposal().time();
    *exemption.mutable_confirmation()->mutable_time() = response.exemption().confirmation().time();
  }
  shown.DiscardUnknownFields();
  return shown;
}

}  // namespace section55::authoring::views
