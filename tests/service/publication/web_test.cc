// The public register, read over real HTTP.
#include "services/publication/web.h"

#include <httplib.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "tests/service/publication/fixture.h"

namespace section55::publication {
namespace {

using ::section55::testing::IsOk;
using ::section55::testing::MessageIs;
using ::section55::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kPage[] = "/responses/norfolk-pcc/safe-to-share";

// A database whose readers meet: they stay inside until the test lets them go.
class MeetingDatabase : public section55::testing::DatabaseFront {
 public:
  using DatabaseFront::DatabaseFront;

  // A page is read with the sizes of its other forms, on one snapshot.
  absl::Status Read(db::Body body, absl::Time) override {
    {
      absl::MutexLock lock(&mutex_);
      ++inside_;
    }
    go_.WaitForNotification();
    return DatabaseFront::Read(body, absl::InfiniteFuture());  // the meeting took the time that there was
  }

  bool WaitFor(int readers) {
    absl::MutexLock lock(&mutex_);
    const auto met = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return inside_ == readers; };
    return mutex_.AwaitWithTimeout(absl::Condition(&met), absl::Seconds(20));
  }
  void LetGo() { go_.Notify(); }

 private:
  absl::Mutex mutex_;
  int inside_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Notification go_;
};

class WebTest : public PublicationFixture {
 protected:
  WebTest() : web_(*PublicRegister::Listen("127.0.0.1:0", *database_)), client_("127.0.0.1", web_->port()) {
    web_->Start();
    client_.set_keep_alive(true);
    client_.set_tcp_nodelay(true);
  }

  httplib::Response Get(const std::string& path, const httplib::Headers& headers = {}) {
    const httplib::Result result = client_.Get(path, headers);
    EXPECT_TRUE(result) << path;
    return result ? *result : httplib::Response();
  }

  std::unique_ptr<PublicRegister> web_;
  httplib::Client client_;
};

TEST_F(WebTest, ShowsAPageTheMomentItIsPublished) {
  EXPECT_EQ(Get(kPage).status, 404);
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  const httplib::Response page = Get(kPage);
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.get_header_value("Content-Type"), "text/html; charset=utf-8");
  EXPECT_THAT(page.body, HasSubstr("The commissioner comments on the report as a whole."));
  EXPECT_THAT(Get("/").body, HasSubstr("href=\"/responses/norfolk-pcc/safe-to-share\""));
}

TEST_F(WebTest, GivesTheBytesThatTheHashIsOf) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  const httplib::Response json = Get(std::string(kPage) + ".json");
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(json.get_header_value("Content-Type"), "application/json");
  EXPECT_EQ(base::Sha256Hex(json.body), PublicationFixture::Get().content_hash());
}

TEST_F(WebTest, LinksEveryFormatWithItsSizeAndServesIt) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  const std::string page = Get(kPage).body;
  for (const auto& [ending, type, begin] :
       {std::tuple{".pdf", "application/pdf", "%PDF-1.7"},
        std::tuple{".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "PK"},
        std::tuple{".txt", "text/plain; charset=utf-8", "Police and Crime Commissioner"},
        std::tuple{".json", "application/json", "{"}}) {
    const httplib::Response file = Get(std::string(kPage) + ending);
    EXPECT_EQ(file.status, 200) << ending;
    EXPECT_EQ(file.get_header_value("Content-Type"), type);
    EXPECT_THAT(file.body, ::testing::StartsWith(begin));
    const std::string size = std::to_string((file.body.size() + 1023) / 1024) + " KB";
    EXPECT_THAT(page, ::testing::ContainsRegex("href=\"" + std::string(kPage) + ending + "\">[A-Za-z ()]+, " + size));
  }
  EXPECT_EQ(Get("/responses/norfolk-pcc/nothing.pdf").status, 404);
}

TEST_F(WebTest, SendsTheHeadersThatKeepReadersSafe) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  for (const std::string path : {"/", kPage, "/responses/norfolk-pcc/safe-to-share.json", "/style.css", "/nothing"}) {
    const httplib::Response page = Get(path);
    EXPECT_THAT(page.get_header_value("Content-Security-Policy"), HasSubstr("default-src 'none'")) << path;
    EXPECT_THAT(page.get_header_value("Content-Security-Policy"), HasSubstr("frame-ancestors 'none'")) << path;
    EXPECT_EQ(page.get_header_value("X-Content-Type-Options"), "nosniff") << path;
    EXPECT_EQ(page.get_header_value("Referrer-Policy"), "no-referrer") << path;
    EXPECT_EQ(page.get_header_value("Cache-Control"), "no-cache") << path;
  }
}

TEST_F(WebTest, DoesNotSendAgainWhatTheReaderHas) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  for (const std::string& path :
       {std::string(kPage), std::string(kPage) + ".json", std::string("/"), std::string("/style.css")}) {
    const std::string etag = Get(path).get_header_value("ETag");
    EXPECT_THAT(etag, StartsWith("\"")) << path;
    const httplib::Response unchanged = Get(path, {{"If-None-Match", "\"other\", W/" + etag}});
    EXPECT_EQ(unchanged.status, 304) << path;
    EXPECT_EQ(unchanged.body, "");
    EXPECT_EQ(unchanged.get_header_value("ETag"), etag);
    EXPECT_EQ(Get(path, {{"If-None-Match", "\"other\""}}).status, 200);
  }
}

TEST_F(WebTest, GivesEveryStateOfAPageATagOfItsOwn) {
  std::string staged;
  watched_.after_write = [&] {
    staged = Get(kPage).get_header_value("ETag");
    return absl::OkStatus();
  };
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  const std::string published = Get(kPage).get_header_value("ETag");
  EXPECT_THAT(staged, StartsWith("\""));
  EXPECT_NE(published, staged);
  EXPECT_EQ(Get(kPage, {{"If-None-Match", staged}}).status, 200);
}

TEST_F(WebTest, ShowsNothingThatWasDamaged) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  ASSERT_THAT(database_->Write([](db::Transaction& tx) {
    return tx.Execute("UPDATE renditions SET checksum = checksum + 1 WHERE format = 1").status();
  }),
              IsOk());
  const httplib::Response page = Get(kPage);
  EXPECT_EQ(page.status, 503);
  EXPECT_THAT(page.body, Not(HasSubstr("commissioner")));
  EXPECT_EQ(Get(std::string(kPage) + ".json").status, 200);
}

TEST_F(WebTest, SendsACompressedPageUnderItsOwnTag) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  const httplib::Response plain = Get(kPage);
  const httplib::Response packed = Get(kPage, {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(packed.get_header_value("Content-Encoding"), "gzip");
  EXPECT_NE(packed.get_header_value("ETag"), plain.get_header_value("ETag"));
  for (const httplib::Response& page : {plain, packed}) {
    EXPECT_EQ(page.get_header_value("Vary"), "Accept-Encoding");
  }
}

TEST_F(WebTest, HasAPageForWhatIsNotThere) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  for (const std::string path :
       {"/nothing", "/responses", "/responses/norfolk-pcc", "/responses/norfolk-pcc/", "/responses/norfolk-pcc/nothing",
        "/responses/norfolk-pcc/nothing.json", "/responses/norfolk-pcc/safe-to-share/",
        "/responses/NORFOLK-PCC/safe-to-share", "/responses/-/-", "//", "/style.css/", "/.json", "/?after=",
        "/?after=1.a", "/?after=x.a.b", "/?after=1.a.b.c", "/?after=99999999999999999999.a.b", "/?after=1.A.'"}) {
    const httplib::Response page = Get(path);
    EXPECT_EQ(page.status, 404) << path;
    EXPECT_THAT(page.body, HasSubstr("Page not found")) << path;
  }
  EXPECT_EQ(Get("/" + std::string(8000, 'a')).status, 404);
  EXPECT_EQ(Get("/responses/" + std::string(7000, '/')).status, 404);
}

TEST_F(WebTest, CanOnlyBeRead) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  const httplib::Result posted = client_.Post(kPage, "hello", "text/plain");
  ASSERT_TRUE(posted);
  EXPECT_EQ(posted->status, 405);
  EXPECT_EQ(posted->get_header_value("Allow"), "GET, HEAD");
  EXPECT_THAT(posted->get_header_value("Content-Security-Policy"), HasSubstr("default-src 'none'"));
  EXPECT_EQ(Get("/responses/../style.css").status, 400);
}

TEST_F(WebTest, ListsOlderPublicationsOnFurtherPages) {
  for (int i = 1; i <= 51; ++i) {
    ASSERT_THAT(Approve(ResponseTo("report-" + std::to_string(i))), IsOk());
    server_.clock().Advance(absl::Seconds(1));
  }
  const std::string first = Get("/").body;
  EXPECT_THAT(first, HasSubstr("/report-51\""));
  EXPECT_THAT(first, HasSubstr("/report-2\""));
  EXPECT_THAT(first, Not(HasSubstr("/report-1\"")));
  const size_t link = first.find("/?after=");
  ASSERT_NE(link, std::string::npos);
  const std::string second = Get(first.substr(link, first.find('"', link) - link)).body;
  EXPECT_THAT(second, HasSubstr("/report-1\""));
  EXPECT_THAT(second, Not(HasSubstr("/report-2\"")));
  EXPECT_THAT(second, Not(HasSubstr("rel=\"next\"")));
}

TEST_F(WebTest, ServesManyReadersAtOnce) {
  constexpr int kReaders = 8;
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  MeetingDatabase meeting(*database_);
  const auto web = *PublicRegister::Listen("127.0.0.1:0", meeting);
  web->Start();
  std::vector<std::thread> readers;
  std::atomic<int> served = 0;
  for (int i = 1; i <= kReaders; ++i) {
    readers.emplace_back([&] {
      httplib::Client client("127.0.0.1", web->port());
      client.set_read_timeout(60);
      const httplib::Result page = client.Get(kPage);
      served += page && page->status == 200 ? 1 : 0;
    });
    EXPECT_TRUE(meeting.WaitFor(i)) << i;
  }
  meeting.LetGo();
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_EQ(served, kReaders);
}

TEST_F(WebTest, SaysInASentenceThatThePortIsTaken) {
  const std::string address = "127.0.0.1:" + std::to_string(web_->port());
  EXPECT_THAT(PublicRegister::Listen(address, *database_), MessageIs(HasSubstr("cannot listen on " + address)));
  EXPECT_THAT(PublicRegister::Listen("nowhere", *database_), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(WebTest, StopsAndStartsAgain) {
  EXPECT_EQ(Get("/").status, 200);
  client_.stop();
  web_->Stop();
  EXPECT_FALSE(httplib::Client("127.0.0.1", web_->port()).Get("/"));
  web_->Start();
  EXPECT_EQ(Get("/").status, 200);
}

}  // namespace
}  // namespace section55::publication
