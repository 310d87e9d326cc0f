// Who sees what of a response. The tests walk the message's fields, so that a new field must be thought about here.
#include "services/response-authoring/views.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "libs/base/proto_time.h"

namespace section55::authoring::views {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::testing::ElementsAre;

// Every field of a message set, however deep, with an unknown field in each message.
void FillEveryField(Message& message, int depth = 0) {
  const Reflection& reflection = *message.GetReflection();
  reflection.MutableUnknownFields(&message)->AddLengthDelimited(60'000, "from a newer program");
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    const bool repeated = field->is_repeated();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        repeated ? reflection.AddString(&message, field, "text") : reflection.SetString(&message, field, "text");
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        reflection.SetInt32(&message, field, 1);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection.SetInt64(&message, field, 1);
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection.SetBool(&message, field, true);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        repeated ? reflection.AddEnumValue(&message, field, 1) : reflection.SetEnumValue(&message, field, 1);
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        FillEveryField(repeated ? *reflection.AddMessage(&message, field) : *reflection.MutableMessage(&message, field),
                       depth + 1);
        break;
      default:
        FAIL() << "a type that this test does not know: " << field->full_name();
    }
  }
}

v1::Response Everything(v1::Response::State state) {
  v1::Response response;
  FillEveryField(response);
  response.set_state(state);
  return response;
}

std::vector<std::string> FieldsSet(const v1::Response& response) {
  std::vector<const FieldDescriptor*> fields;
  response.GetReflection()->ListFields(response, &fields);
  std::vector<std::string> names;
  for (const FieldDescriptor* field : fields) {
    names.push_back(field->name());
  }
  return names;
}

TEST(ForForce, ShowsWhatTheForceWasAskedAndSaidAndNothingElse) {
  for (const auto state : {v1::Response::OPEN, v1::Response::IN_REVIEW, v1::Response::APPROVED}) {
    const v1::Response shown = ForForce(Everything(state));
    EXPECT_THAT(FieldsSet(shown), ElementsAre("name", "inspection", "report", "body", "force", "findings_to_answer",
                                              "state", "chief_officer", "edition", "create_time", "update_time",
                                              "publish_time", "etag", "closure", "transferred_from", "correction"));
    EXPECT_EQ(shown.chief_officer().contributions_size(), 1);
    EXPECT_EQ(shown.report().findings_size(), 1);
  }
}

TEST(ForForce, ShowsOfWhatIsPublishedWhatThePublicSees) {
  EXPECT_THAT(FieldsSet(ForForce(Everything(v1::Response::PUBLISHED))),
              ElementsAre("name", "inspection", "report", "body", "force", "findings_to_answer", "state",
                          "key_findings", "chief_officer", "comments", "answers", "reply_to_chief_officer",
                          "monitoring", "signatory", "edition", "create_time", "update_time", "publish_time", "etag",
                          "closure", "transferred_from", "correction"));
}

TEST(ForForce, ShowsWhyNoResponseIsOwed) {
  EXPECT_TRUE(ForForce(Everything(v1::Response::EXEMPT)).has_exemption());
  EXPECT_FALSE(ForForce(Everything(v1::Response::OPEN)).has_exemption()) << "what is proposed is the office's own";
}

TEST(ForEverybody, ShowsAnExemptionAndNobodysName) {
  const v1::Response shown = ForEverybody(Everything(v1::Response::EXEMPT));
  EXPECT_THAT(FieldsSet(shown), ElementsAre("name", "inspection", "report", "body", "force", "state", "exemption"));
  EXPECT_EQ(shown.report().findings_size(), 0);
  EXPECT_EQ(shown.exemption().reason(), "text");
  EXPECT_TRUE(shown.exemption().confirmation().has_time());
  EXPECT_EQ(shown.exemption().proposal().actor() + shown.exemption().confirmation().actor(), "");
  EXPECT_FALSE(shown.exemption().has_revocation());
  EXPECT_EQ(shown.SerializeAsString().find("from a newer program"), std::string::npos);
  EXPECT_THAT(FieldsSet(ForEverybody(Everything(v1::Response::OPEN))),
              ElementsAre("name", "inspection", "report", "body", "force", "state"));
}

TEST(ForForce, DropsWhatThisProgramDoesNotKnow) {
  for (const auto state : {v1::Response::OPEN, v1::Response::PUBLISHED}) {
    EXPECT_EQ(ForForce(Everything(state)).SerializeAsString().find("from a newer program"), std::string::npos);
  }
}

TEST(Basic, HoldsEverythingButTexts) {
  const v1::Response basic = Basic(Everything(v1::Response::OPEN));
  EXPECT_THAT(FieldsSet(basic),
              ElementsAre("name", "inspection", "body", "force", "findings_to_answer", "state", "chief_officer",
                          "answers", "signatory", "edition", "create_time", "update_time", "writers", "submission",
                          "last_return", "approval", "publish_time", "refusal", "closure", "transferred_from",
                          "correction", "exemption", "bypass"));
  EXPECT_EQ(basic.chief_officer().contributions_size(), 0);
  EXPECT_TRUE(basic.chief_officer().has_commented_time());
  EXPECT_EQ(basic.answers(0).finding(), "text");
  EXPECT_EQ(basic.answers(0).explanation(), "");
}

}  // namespace
}  // namespace section55::authoring::views
