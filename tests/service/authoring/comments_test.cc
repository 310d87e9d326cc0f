// Comments in threads on parts of a response: who writes for whom, and who sees what.
#include "tests/service/authoring/fixture.h"

namespace section55::authoring {
namespace {

using Audience = v1::Comment;

class CommentsTest : public AuthoringTest {
 protected:
  grpc::Status Say(const Person& person, v1::CommentOnResponseRequest request, v1::Comment* comment = nullptr) {
    if (request.name().empty()) {
      request.set_name(kNorfolk);
    }
    v1::Comment ignored;
    return stub_->CommentOnResponse(As(person).get(), request, comment == nullptr ? &ignored : comment);
  }
  static v1::CommentOnResponseRequest On(const std::string& part, v1::Comment::Audience audience,
                                         const std::string& text = "Is this so?") {
    v1::CommentOnResponseRequest request;
    request.mutable_comment()->set_part(part);
    request.mutable_comment()->set_audience(audience);
    request.mutable_comment()->set_text(text);
    return request;
  }
  static v1::CommentOnResponseRequest Answering(const v1::Comment& comment, const std::string& text = "It is.") {
    v1::CommentOnResponseRequest request;
    request.mutable_comment()->set_reply_to(comment.name());
    request.mutable_comment()->set_text(text);
    return request;
  }

  // The texts, page by page.
  std::vector<std::string> List(const Person& person, int page_size = 0, const std::string& part = "") {
    v1::ListCommentsRequest request;
    request.set_parent(kNorfolk);
    request.set_page_size(page_size);
    request.set_part(part);
    std::vector<std::string> texts;
    v1::ListCommentsResponse page;
    do {
      EXPECT_THAT(stub_->ListComments(As(person).get(), request, &page), IsOk());
      for (const v1::Comment& comment : page.comments()) {
        texts.push_back(comment.text());
      }
      request.set_page_token(page.next_page_token());
    } while (!page.next_page_token().empty());
    return texts;
  }
};

TEST_F(CommentsTest, AreSeenByThoseForWhomTheyAre) {
  ASSERT_THAT(Say(kAuthor, On("comments", Audience::OFFICE, "office")), IsOk());
  ASSERT_THAT(Say(kChief, On("", Audience::FORCE, "force")), IsOk());
  ASSERT_THAT(Say(kApprover, On("answers/recommendation-5", Audience::OFFICE_AND_FORCE, "both")), IsOk());
  ASSERT_THAT(Say(kChief, On("", Audience::OFFICE_AND_FORCE, "both, too")), IsOk());
  for (const int page : {0, 1, 2}) {
    EXPECT_THAT(List(kAuthor, page), ElementsAre("office", "both", "both, too")) << page;
    EXPECT_THAT(List(kChief, page), ElementsAre("force", "both", "both, too")) << page;
  }
  EXPECT_THAT(List(kAuthor, 0, "answers/recommendation-5"), ElementsAre("both"));
  v1::ListCommentsRequest request;
  request.set_parent(kNorfolk);
  v1::ListCommentsResponse page;
  for (const Person& person : {kSuffolkAuthor, kSuffolkChief, kOperator}) {
    EXPECT_THAT(stub_->ListComments(As(person).get(), request, &page), StatusIs(absl::StatusCode::kPermissionDenied));
    EXPECT_THAT(Say(person, On("", Audience::OFFICE)), StatusIs(absl::StatusCode::kPermissionDenied));
  }
  EXPECT_THAT(Say(kAuditor, On("", Audience::OFFICE)), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(CommentsTest, AreAnsweredByThoseWhoSeeThem) {
  v1::Comment office, both, reply;
  ASSERT_THAT(Say(kAuthor, On("comments", Audience::OFFICE), &office), IsOk());
  ASSERT_THAT(Say(kAuthor, On("answers/recommendation-5", Audience::OFFICE_AND_FORCE), &both), IsOk());
  EXPECT_EQ(both.author(), "people/ann");
  EXPECT_FALSE(both.by_force());
  EXPECT_EQ(base::FromTimestamp(both.create_time()), kMidJanuary);
  ASSERT_THAT(Say(kChief, Answering(both), &reply), IsOk());
  EXPECT_EQ(reply.part(), "answers/recommendation-5");
  EXPECT_EQ(reply.audience(), Audience::OFFICE_AND_FORCE);
  EXPECT_EQ(reply.reply_to(), both.name());
  EXPECT_TRUE(reply.by_force());
  EXPECT_THAT(Say(kChief, Answering(office)), ViolationOn("comment.reply_to")) << "as if it were not there";
  EXPECT_THAT(Say(kAuthor, Answering(reply)), ViolationOn("comment.reply_to")) << "threads have one level";
  v1::Comment elsewhere = both;
  elsewhere.set_name(std::string(kSuffolk) + both.name().substr(both.name().find("/comments/")));
  EXPECT_THAT(Say(kAuthor, Answering(elsewhere)), ViolationOn("comment.reply_to"));
  v1::CommentOnResponseRequest with_part = Answering(both);
  with_part.mutable_comment()->set_part("comments");
  EXPECT_THAT(Say(kAuthor, with_part), ViolationOn("comment.reply_to"));
}

TEST_F(CommentsTest, NameEverythingThatIsWrongWithThem) {
  EXPECT_THAT(Say(kAuthor, On("", Audience::AUDIENCE_UNSPECIFIED, " ")),
              AllOf(ViolationOn("comment.text"), ViolationOn("comment.audience")));
  EXPECT_THAT(Say(kAuthor, On("", Audience::FORCE)), ViolationOn("comment.audience"));
  EXPECT_THAT(Say(kChief, On("", Audience::OFFICE)), ViolationOn("comment.audience"));
  for (const char* part : {"answers/recommendation-99", "contributions/none", "answers", "whatever"}) {
    EXPECT_THAT(Say(kAuthor, On(part, Audience::OFFICE)), ViolationOn("comment.part")) << part;
  }
  EXPECT_THAT(List(kAuthor), IsEmpty());
  ASSERT_THAT(Comment(kChief), IsOk());
  EXPECT_THAT(Say(kAuthor, On("contributions/contribution-1", Audience::OFFICE)), IsOk());
  EXPECT_THAT(Say(kAuthor, On("signatory", Audience::OFFICE)), IsOk());
}

TEST_F(CommentsTest, LeaveTheResponseAsItIsAndAreToldWithoutTheirText) {
  const std::string etag = Get(kAuthor).etag();
  v1::CommentOnResponseRequest request = On("comments", Audience::OFFICE, "A secret.");
  request.set_etag(etag);
  request.set_request_id("comment-1");
  v1::Comment first, repeated;
  ASSERT_THAT(Say(kAuthor, request, &first), IsOk());
  ASSERT_THAT(Say(kAuthor, request, &repeated), IsOk());
  EXPECT_EQ(repeated.name(), first.name());
  EXPECT_THAT(List(kAuthor), ElementsAre("A secret."));
  EXPECT_EQ(Get(kAuthor).etag(), etag);
  ASSERT_THAT(SetComments(kAuthor, "Changed."), IsOk());
  request.set_request_id("comment-2");
  EXPECT_THAT(Say(kAuthor, request), HasReason("ETAG_MISMATCH"));
  EXPECT_EQ(EventCounts()["ResponseCommented"], 1);
  v1::ResponseCommented told;
  for (const auto& event : events_) {
    event.payload().UnpackTo(&told);
    EXPECT_EQ(event.SerializeAsString().find("secret"), std::string::npos);
  }
  EXPECT_EQ(told.comment(), first.name());
  EXPECT_EQ(told.part(), "comments");
}

}  // namespace
}  // namespace section55::authoring
