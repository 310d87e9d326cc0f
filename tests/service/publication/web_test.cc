// The public register, read over real HTTP.
#include "services/publication/web.h"

#include <arpa/inet.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libs/rpc/address.h"
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

  // What comes back for these bytes until the server closes the connection.
  std::string Raw(const std::string& bytes) {
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(web_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    std::string answer;
    char buffer[4096];
    for (ssize_t size; (size = recv(connection, buffer, sizeof(buffer), 0)) > 0;) {
      answer.append(buffer, static_cast<size_t>(size));
    }
    close(connection);
    return answer;
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
  const std::string etag = "\"" + PublicationFixture::Get().content_hash() + "\"";
  for (const std::string& path : {std::string(kPage), std::string(kPage) + ".json"}) {
    EXPECT_EQ(Get(path).get_header_value("ETag"), etag);
    const httplib::Response unchanged = Get(path, {{"If-None-Match", "\"other\", W/" + etag}});
    EXPECT_EQ(unchanged.status, 304);
    EXPECT_EQ(unchanged.body, "");
    EXPECT_EQ(unchanged.get_header_value("ETag"), etag);
    EXPECT_EQ(Get(path, {{"If-None-Match", "\"other\""}}).status, 200);
  }
  for (const std::string path : {"/", "/style.css"}) {
    EXPECT_EQ(Get(path, {{"If-None-Match", Get(path).get_header_value("ETag")}}).status, 304) << path;
  }
}

TEST_F(WebTest, AnswersHeadLikeGetWithoutTheBody) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  const httplib::Response page = Get(kPage);
  const httplib::Result head = client_.Head(kPage);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(head->get_header_value("Content-Length"), std::to_string(page.body.size()));
  EXPECT_EQ(head->get_header_value("ETag"), page.get_header_value("ETag"));
}

TEST_F(WebTest, HasAPageForWhatIsNotThere) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  for (const std::string path : {"/nothing",
                                 "/responses",
                                 "/responses/norfolk-pcc",
                                 "/responses/norfolk-pcc/",
                                 "/responses/norfolk-pcc/nothing",
                                 "/responses/norfolk-pcc/nothing.json",
                                 "/responses/norfolk-pcc/safe-to-share/",
                                 "/responses/../style.css",
                                 "/responses/NORFOLK-PCC/safe-to-share",
                                 "/responses/-/-",
                                 "//",
                                 "/style.css/",
                                 "/.json",
                                 "/responses/%00/%ff",
                                 "/%",
                                 "/%zz",
                                 "/?after=",
                                 "/?after=1.a",
                                 "/?after=x.a.b",
                                 "/?after=1.a.b.c",
                                 "/?after=99999999999999999999.a.b",
                                 "/?after=1.A.'"}) {
    const httplib::Response page = Get(path);
    EXPECT_EQ(page.status, 404) << path;
    EXPECT_THAT(page.body, HasSubstr("Page not found")) << path;
  }
  EXPECT_EQ(Get("/" + std::string(8000, 'a')).status, 404);
  EXPECT_EQ(Get("/responses/" + std::string(7000, '/')).status, 404);
}

TEST_F(WebTest, CanOnlyBeRead) {
  for (const std::string method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    const std::string answer = Raw(method + " / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 ")) << method;
    EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD")) << method;
  }
}

TEST_F(WebTest, TakesABodyForNoSecondRequest) {
  // More than the library reads at once: what it leaves in the socket is what it could take for a request.
  std::string hidden;
  while (hidden.size() < 20'000) {
    hidden += "GET /style.css HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  const std::string length = "Content-Length: " + std::to_string(hidden.size());
  for (const std::string& head : {"GET / HTTP/1.1\r\nHost: x\r\n" + length, "HEAD / HTTP/1.1\r\nHost: x\r\n" + length,
                                  "POST / HTTP/1.1\r\nHost: x\r\n" + length,
                                  std::string("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked")}) {
    const std::string answer = Raw(head + "\r\n\r\n" + hidden);
    EXPECT_EQ(answer.find("HTTP/1.1 "), answer.rfind("HTTP/1.1 ")) << head << "\n" << answer;
    EXPECT_THAT(answer, Not(HasSubstr("text/css"))) << head;
  }
}

TEST_F(WebTest, CutsOneRangeButNotManyOutOfAPage) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  const std::string whole = Get(kPage).body;
  const httplib::Response part = Get(kPage, {{"Range", "bytes=0-9"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, whole.substr(0, 10));
  EXPECT_EQ(Get(kPage, {{"Range", "bytes=0-,0-,0-"}}).status, 416);
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
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  std::vector<std::thread> readers;
  std::atomic<int> good = 0;
  for (int i = 0; i < 16; ++i) {
    readers.emplace_back([&] {
      httplib::Client client("127.0.0.1", web_->port());
      client.set_keep_alive(true);
      for (int n = 0; n < 20; ++n) {
        const httplib::Result result = client.Get(kPage);
        good += result && result->status == 200 ? 1 : 0;
      }
    });
  }
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_EQ(good, 16 * 20);
}

TEST_F(WebTest, SaysInASentenceThatThePortIsTaken) {
  const std::string address = "127.0.0.1:" + std::to_string(web_->port());
  EXPECT_THAT(PublicRegister::Listen(address, *database_), MessageIs(HasSubstr("cannot listen on " + address)));
  EXPECT_THAT(PublicRegister::Listen("nowhere", *database_), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(WebTest, StopsAtOnce) {
  EXPECT_EQ(Get("/").status, 200);
  const absl::Time before = absl::Now();
  client_.stop();
  web_->Stop();
  EXPECT_LT(absl::Now() - before, absl::Seconds(8));
  EXPECT_FALSE(httplib::Client("127.0.0.1", web_->port()).Get("/"));
}

}  // namespace
}  // namespace section55::publication
