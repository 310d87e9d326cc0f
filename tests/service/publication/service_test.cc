// The calls of the Publication service.
#include "services/publication/renditions.h"
#include "tests/service/publication/fixture.h"

namespace section55::publication {
namespace {

using ::section55::testing::EqualsProto;
using ::section55::testing::IsOk;
using ::section55::testing::StatusIs;
using ::section55::testing::TestServer;
using ::section55::testing::ViolationOn;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;

class ServiceTest : public PublicationFixture {
 protected:
  grpc::Status List(const v1::ListPublicationsRequest& request, v1::ListPublicationsResponse* response) {
    response->Clear();
    return stub_->ListPublications(AsReader().get(), request, response);
  }

  static std::vector<std::string> Names(const v1::ListPublicationsResponse& response) {
    std::vector<std::string> names;
    for (const v1::PublicationRecord& record : response.publications()) {
      names.push_back(record.name());
    }
    return names;
  }
};

TEST_F(ServiceTest, ReadsAPublicationForWhoeverAsks) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  EXPECT_EQ(Get().inspection_title(), "Safe to share?");
  v1::GetPublicationRequest request;
  request.set_name("bodies/norfolk-pcc/publications/safe-to-share");
  v1::PublicationRecord record;
  EXPECT_THAT(stub_->GetPublication(TestServer::AsNobody().get(), request, &record),
              StatusIs(absl::StatusCode::kUnauthenticated));
  request.set_name("bodies/norfolk-pcc/publications/nothing");
  EXPECT_THAT(stub_->GetPublication(AsReader().get(), request, &record), StatusIs(absl::StatusCode::kNotFound));
  request.set_name("bodies/norfolk-pcc/responses/safe-to-share");
  EXPECT_THAT(stub_->GetPublication(AsReader().get(), request, &record), ViolationOn("name"));
}

TEST_F(ServiceTest, ListsTheLatestFirstPageByPage) {
  for (const char* inspection : {"one", "two", "three"}) {
    ASSERT_THAT(Approve(ResponseTo(inspection)), IsOk());
    server_.clock().Advance(absl::Minutes(1));
  }
  ASSERT_THAT(Approve(ResponseTo("one", "suffolk-pcc")), IsOk());

  v1::ListPublicationsRequest request;
  request.set_parent("bodies/-");
  request.set_page_size(3);
  v1::ListPublicationsResponse response;
  ASSERT_THAT(List(request, &response), IsOk());
  EXPECT_THAT(Names(response),
              ElementsAre("bodies/suffolk-pcc/publications/one", "bodies/norfolk-pcc/publications/three",
                          "bodies/norfolk-pcc/publications/two"));
  request.set_page_token(response.next_page_token());
  ASSERT_THAT(List(request, &response), IsOk());
  EXPECT_THAT(Names(response), ElementsAre("bodies/norfolk-pcc/publications/one"));
  EXPECT_EQ(response.next_page_token(), "");

  request.set_parent("bodies/norfolk-pcc");
  EXPECT_THAT(List(request, &response), ViolationOn("page_token"));
  request.clear_page_token();
  ASSERT_THAT(List(request, &response), IsOk());
  EXPECT_THAT(Names(response), SizeIs(3));

  request.set_parent("bodies/-");
  request.set_filter("inspection = \"inspections/one\"");
  ASSERT_THAT(List(request, &response), IsOk());
  EXPECT_THAT(Names(response),
              ElementsAre("bodies/suffolk-pcc/publications/one", "bodies/norfolk-pcc/publications/one"));
}

TEST_F(ServiceTest, SaysWhatIsWrongWithAList) {
  v1::ListPublicationsRequest request;
  request.set_parent("everything");
  request.set_page_size(-1);
  request.set_filter("inspection = \"one\"");
  v1::ListPublicationsResponse response;
  const grpc::Status status = List(request, &response);
  EXPECT_THAT(status, ViolationOn("parent"));
  EXPECT_THAT(status, ViolationOn("page_size"));
  EXPECT_THAT(status, ViolationOn("filter"));
}

TEST_F(ServiceTest, StreamsALargeRenditionInChunks) {
  authoring::v1::Response response = SampleResponse();
  response.set_comments(std::string(50'000, 'x'));
  response.set_monitoring(std::string(50'000, 'y'));
  ASSERT_THAT(Approve(response), IsOk());
  std::string whole;
  const std::vector<std::string> chunks = Rendition(v1::GetRenditionRequest::JSON);
  EXPECT_GT(chunks.size(), 2U);
  for (const std::string& chunk : chunks) {
    EXPECT_THAT(chunk.size(), Le(64U * 1024));
    whole += chunk;
  }
  EXPECT_EQ(base::Sha256Hex(whole), Get().content_hash());
}

TEST_F(ServiceTest, SaysWhatIsWrongWithARendition) {
  const auto status_of = [&](const std::string& name, v1::GetRenditionRequest::Format format) {
    v1::GetRenditionRequest request;
    request.set_name(name);
    request.set_format(format);
    const auto context = AsReader();
    const auto reader = stub_->GetRendition(context.get(), request);
    v1::GetRenditionResponse response;
    EXPECT_FALSE(reader->Read(&response));
    return reader->Finish();
  };
  EXPECT_THAT(status_of("bodies/norfolk-pcc/publications/nothing", v1::GetRenditionRequest::HTML),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(status_of("nothing", v1::GetRenditionRequest::HTML), ViolationOn("name"));
  EXPECT_THAT(status_of("bodies/a/publications/b", v1::GetRenditionRequest::FORMAT_UNSPECIFIED), ViolationOn("format"));
}

TEST_F(ServiceTest, StreamsEveryFormat) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  EXPECT_THAT(Rendition(v1::GetRenditionRequest::HTML).front(), ::testing::StartsWith("<article"));
  EXPECT_THAT(Rendition(v1::GetRenditionRequest::JSON).front(), ::testing::StartsWith("{"));
  EXPECT_THAT(Rendition(v1::GetRenditionRequest::PDF).front(), ::testing::StartsWith("%PDF-1.7"));
  EXPECT_THAT(Rendition(v1::GetRenditionRequest::DOCX).front(), ::testing::StartsWith("PK"));
  EXPECT_THAT(Rendition(v1::GetRenditionRequest::TEXT).front(), ::testing::StartsWith("Police and Crime Commissioner"));
}

TEST_F(ServiceTest, KeepsWhatEveryRenditionWasMadeFromAndMakesTheSameBytesOfItAgain) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  const v1::PublicationRecord record = Get();
  EXPECT_EQ(record.renderer_version(), kRendererVersion);
  authoring::v1::Response source;
  ASSERT_THAT(database_->Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(source, store::LoadApproval(tx, {"norfolk-pcc", "safe-to-share"}, record.edition()));
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_EQ(SourceHash(source), record.source_hash());
  Renderer renderer(kPublicUrl);
  absl::StatusOr<Renditions> again = renderer.Render(source, std::nullopt);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->content_hash, record.content_hash());
  again = renderer.RenderPublished(source, record, *again);
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT(again->bytes, SizeIs(5));
  for (const auto& [format, bytes] : again->bytes) {
    std::string stored;
    for (const std::string& chunk : Rendition(format)) {
      stored += chunk;
    }
    EXPECT_TRUE(stored == bytes) << v1::GetRenditionRequest::Format_Name(format);
  }
}

TEST_F(ServiceTest, PreviewsADraftForTheOfficeAloneAndKeepsNothing) {
  const auto preview = [&](std::unique_ptr<grpc::ClientContext> context, v1::GetRenditionRequest::Format format,
                           const std::string& finding, std::string* bytes) {
    v1::PreviewResponseRequest request;
    *request.mutable_response() = SampleResponse();
    request.set_format(format);
    request.set_finding(finding);
    const auto reader = stub_->PreviewResponse(context.get(), request);
    v1::PreviewResponseResponse chunk;
    while (reader->Read(&chunk)) {
      *bytes += chunk.data();
    }
    return reader->Finish();
  };
  std::string html, pdf, word, json, text, one, nothing;
  ASSERT_THAT(preview(AsAuthor(), v1::GetRenditionRequest::JSON, "", &json), IsOk());
  EXPECT_THAT(json, HasSubstr("{\"watermark\":\"Draft\","));
  ASSERT_THAT(preview(AsAuthor(), v1::GetRenditionRequest::TEXT, "", &text), IsOk());
  EXPECT_THAT(text, ::testing::StartsWith("*** Draft\n"));
  ASSERT_THAT(preview(AsAuthor(), v1::GetRenditionRequest::HTML, "", &html), IsOk());
  EXPECT_THAT(html, AllOf(HasSubstr("<p class=\"watermark\">Draft</p>"), HasSubstr("We will do one."),
                          HasSubstr("Nothing is needed for five"), Not(HasSubstr("being published"))));
  ASSERT_THAT(preview(AsAuthor(), v1::GetRenditionRequest::PDF, "", &pdf), IsOk());
  EXPECT_THAT(pdf, ::testing::StartsWith("%PDF-1.7"));
  ASSERT_THAT(preview(AsAuthor(), v1::GetRenditionRequest::DOCX, "", &word), IsOk());
  EXPECT_THAT(word, ::testing::StartsWith("PK"));
  ASSERT_THAT(preview(AsAuthor(), v1::GetRenditionRequest::HTML, "recommendation-5", &one), IsOk());
  EXPECT_THAT(one, AllOf(HasSubstr("Nothing is needed for five"), Not(HasSubstr("We will do one."))));

  EXPECT_THAT(preview(AsAuthor(), v1::GetRenditionRequest::HTML, "recommendation-99", &nothing),
              ViolationOn("finding"));
  EXPECT_THAT(preview(AsAuthor(), v1::GetRenditionRequest::FORMAT_UNSPECIFIED, "", &nothing), ViolationOn("format"));
  for (const std::vector<std::string>& roles :
       {std::vector<std::string>{}, {"author@bodies/suffolk-pcc"}, {"chief-officer@forces/norfolk"}, {"operator"}}) {
    EXPECT_THAT(preview(server_.As("somebody", roles), v1::GetRenditionRequest::HTML, "", &nothing),
                StatusIs(absl::StatusCode::kPermissionDenied));
  }
  EXPECT_EQ(nothing, "");
  int stored = 0;
  ASSERT_THAT(database_->Read([&](db::Transaction& tx) {
    return tx.Query("SELECT format FROM renditions", {}, [&](const db::Row&) { ++stored; });
  }),
              IsOk());
  EXPECT_EQ(stored, 0);
}

TEST_F(ServiceTest, ShowsCopiesToTheBodysOwnPeopleOnly) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  v1::ListCopiesRequest request;
  request.set_parent("bodies/norfolk-pcc/publications/safe-to-share");
  v1::ListCopiesResponse response;
  const auto as = [&](const std::vector<std::string>& roles) {
    return stub_->ListCopies(server_.As("somebody", roles).get(), request, &response);
  };
  EXPECT_THAT(as({"publisher@bodies/norfolk-pcc"}), IsOk());
  EXPECT_THAT(as({"auditor"}), IsOk());
  EXPECT_THAT(as({"operator"}), IsOk());
  EXPECT_THAT(as({"author@bodies/suffolk-pcc"}), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(as({"chief-officer@forces/norfolk"}), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(as({}), StatusIs(absl::StatusCode::kPermissionDenied));
  request.set_parent("bodies/norfolk-pcc/publications/nothing");
  EXPECT_THAT(as({"author@bodies/norfolk-pcc"}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(as({"author@bodies/suffolk-pcc"}), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(ServiceTest, PagesCopies) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  v1::ListCopiesRequest request;
  request.set_parent("bodies/norfolk-pcc/publications/safe-to-share");
  request.set_page_size(3);
  v1::ListCopiesResponse response;
  ASSERT_THAT(stub_->ListCopies(AsAuthor().get(), request, &response), IsOk());
  ASSERT_EQ(response.copies_size(), 3);
  request.set_page_token(response.next_page_token());
  v1::ListCopiesResponse second;
  ASSERT_THAT(stub_->ListCopies(AsAuthor().get(), request, &second), IsOk());
  ASSERT_EQ(second.copies_size(), 1);
  EXPECT_EQ(second.copies(0).recipient_kind(), v1::Copy::SCRUTINY_BODY);
  EXPECT_EQ(second.next_page_token(), "");
}

TEST_F(ServiceTest, CreatesARecipientOnce) {
  v1::CreateRecipientRequest request = RecipientRequest("hmicfrs", v1::Copy::INSPECTORATE, absl::CivilDay(2021, 1, 1));
  request.mutable_recipient()->set_name("recipients/ignored");
  request.set_request_id("once");
  v1::Recipient created;
  ASSERT_THAT(stub_->CreateRecipient(AsOperator().get(), request, &created), IsOk());
  EXPECT_EQ(created.name(), "recipients/hmicfrs");
  v1::Recipient again;
  ASSERT_THAT(stub_->CreateRecipient(AsOperator().get(), request, &again), IsOk());
  EXPECT_THAT(again, EqualsProto(created));
  request.set_request_id("twice");
  EXPECT_THAT(stub_->CreateRecipient(AsOperator().get(), request, &again), StatusIs(absl::StatusCode::kAlreadyExists));
  request.clear_recipient();
  EXPECT_THAT(stub_->CreateRecipient(AsOperator().get(), request, &again), ViolationOn("recipient.address"));
}

TEST_F(ServiceTest, KeepsRecipientsToOperators) {
  v1::Recipient created;
  EXPECT_THAT(stub_->CreateRecipient(AsAuthor().get(),
                                     RecipientRequest("a", v1::Copy::OTHER, absl::CivilDay(2021, 1, 1)), &created),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(stub_->CreateRecipient(server_.As("eve", {"auditor"}).get(),
                                     RecipientRequest("a", v1::Copy::OTHER, absl::CivilDay(2021, 1, 1)), &created),
              StatusIs(absl::StatusCode::kPermissionDenied));
  v1::ListRecipientsResponse response;
  EXPECT_THAT(stub_->ListRecipients(AsAuthor().get(), v1::ListRecipientsRequest(), &response),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(stub_->ListRecipients(server_.As("eve", {"auditor"}).get(), v1::ListRecipientsRequest(), &response),
              IsOk());
  EXPECT_THAT(response.recipients(), IsEmpty());
}

TEST_F(ServiceTest, ListsRecipientsPageByPage) {
  for (const char* id : {"c", "a", "b"}) {
    v1::Recipient created;
    ASSERT_THAT(stub_->CreateRecipient(AsOperator().get(),
                                       RecipientRequest(id, v1::Copy::OTHER, absl::CivilDay(2021, 1, 1)), &created),
                IsOk());
  }
  v1::ListRecipientsRequest request;
  request.set_page_size(2);
  v1::ListRecipientsResponse response;
  ASSERT_THAT(stub_->ListRecipients(AsOperator().get(), request, &response), IsOk());
  ASSERT_EQ(response.recipients_size(), 2);
  EXPECT_EQ(response.recipients(1).name(), "recipients/b");
  request.set_page_token(response.next_page_token());
  response.Clear();
  ASSERT_THAT(stub_->ListRecipients(AsOperator().get(), request, &response), IsOk());
  ASSERT_EQ(response.recipients_size(), 1);
  EXPECT_EQ(response.next_page_token(), "");
}

}  // namespace
}  // namespace section55::publication
