// Over real sockets, byte by byte.
#include "libs/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <zlib.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "libs/http/coding.h"
#include "libs/testing/matchers.h"
#include "tests/unit/http/raw_client.h"

namespace section55::http {
namespace {

using ::section55::testing::IsOk;
using ::section55::testing::MessageIs;
using ::section55::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kModified[] = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr char kLater[] = "Sun, 06 Nov 1994 08:49:38 GMT";
constexpr char kEarlier[] = "Sun, 06 Nov 1994 08:49:36 GMT";

// 26,000 bytes of which no two parts of a length are alike by accident.
std::string LongText() {
  std::string text;
  for (int i = 0; text.size() < 26'000; ++i) {
    text += std::to_string(i) + ",";
  }
  text.resize(26'000);
  return text;
}

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override { Start({}); }

  void Start(Options options) {
    options.address = "127.0.0.1:0";
    options.headers = {{"X-Content-Type-Options", "nosniff"}};
    auto made = Server::Listen(std::move(options), [this](const Request& request) { return Answer(request); });
    ASSERT_THAT(made, IsOk());
    server_ = *std::move(made);
    ASSERT_THAT(server_->Start(), IsOk());
  }

  Response Answer(const Request& request) {
    ++handled_;
    if (request.path == "/long") {
      return {.body = long_, .etag = "v1", .last_modified = absl::FromUnixSeconds(784111777)};
    }
    if (request.path == "/short") {
      return {.content_type = "text/css", .body = short_, .etag = "s", .headers = {{"Cache-Control", "no-cache"}}};
    }
    if (request.path == "/packed") {
      return {.content_type = "application/pdf", .body = long_, .compressible = false};
    }
    if (request.path == "/asked") {
      return {.body = std::make_shared<const std::string>(request.method + " " + request.Parameter("a").value_or("-") +
                                                          " " + request.Header("x-test") + " " + request.peer)};
    }
    if (request.path == "/throws") {
      throw std::runtime_error("a secret");
    }
    if (request.path == "/waits") {
      entered_.Notify();
      leave_.WaitForNotification();
      return {.body = short_};
    }
    if (request.path == "/together") {
      {
        absl::MutexLock lock(&mutex_);
        ++inside_;
      }
      leave_.WaitForNotification();
      return {.body = short_};
    }
    if (request.path == "/empty") {
      return {};
    }
    return {.status = 404, .content_type = "text/html", .body = long_, .etag = "gone"};
  }

  RawClient Connect() { return RawClient(server_->port()); }

  Received Ask(const std::string& path, const std::string& headers = "", const std::string& method = "GET") {
    RawClient client = Connect();
    client.Send(method + " " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
    return client.Read(method == "HEAD");
  }

  // What comes back for these bytes until the server closes the connection.
  std::string Raw(const std::string& bytes) {
    RawClient client = Connect();
    client.Send(bytes);
    return client.ReadAll();
  }

  const std::shared_ptr<const std::string> long_ = std::make_shared<const std::string>(LongText());
  const std::shared_ptr<const std::string> short_ = std::make_shared<const std::string>("short");
  std::atomic<int> handled_ = 0;
  absl::Notification entered_, leave_;
  absl::Mutex mutex_;
  int inside_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, SendsWhatTheHandlerSays) {
  const Received page = Ask("/short");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body, "short");
  EXPECT_EQ(page.Header("content-type"), "text/css");
  EXPECT_EQ(page.Header("content-length"), "5");
  EXPECT_EQ(page.Header("cache-control"), "no-cache");
  EXPECT_EQ(page.Header("etag"), "\"s\"");
  EXPECT_EQ(page.Header("x-content-type-options"), "nosniff");
  EXPECT_EQ(page.Header("vary"), "Accept-Encoding");
  EXPECT_EQ(page.Header("accept-ranges"), "bytes");
  EXPECT_TRUE(ParseHttpDate(page.Header("date"))) << page.Header("date");
  EXPECT_EQ(Ask("/long").Header("last-modified"), kModified);
  EXPECT_EQ(Ask("/nothing").status, 404);
  EXPECT_EQ(Ask("/empty").Header("content-length"), "0");
  EXPECT_EQ(Ask("/packed").Header("vary"), "");
}

TEST_F(ServerTest, TellsTheHandlerWhatIsAsked) {
  EXPECT_EQ(Ask("/asked?b=c&a=%41%20b&a=x", "X-Test: one\r\nx-test:  two \r\n").body, "GET A b one, two 127.0.0.1");
  EXPECT_EQ(Ask("/asked?%61").body, "GET   127.0.0.1");
}

TEST_F(ServerTest, SendsGzipUnderATagOfItsOwnToWhoWantsIt) {
  const Received plain = Ask("/long");
  EXPECT_EQ(plain.body, *long_);
  EXPECT_EQ(plain.Header("etag"), "\"v1\"");
  EXPECT_EQ(plain.Header("content-encoding"), "");
  const Received packed = Ask("/long", "Accept-Encoding: deflate, gzip;q=0.5\r\n");
  EXPECT_EQ(packed.body, Gzip(*long_));
  EXPECT_EQ(packed.Header("etag"), "\"v1-gzip\"");
  EXPECT_EQ(packed.Header("content-encoding"), "gzip");
  EXPECT_EQ(packed.Header("vary"), "Accept-Encoding");
  for (const std::string header : {"gzip;q=0", "identity, gzip;q=0.5", "br", "*;q=0"}) {
    EXPECT_EQ(Ask("/long", "Accept-Encoding: " + header + "\r\n").Header("etag"), "\"v1\"") << header;
  }
  EXPECT_EQ(Ask("/short", "Accept-Encoding: gzip\r\n").Header("content-encoding"), "");
  EXPECT_EQ(Ask("/packed", "Accept-Encoding: gzip\r\n").body, *long_);
  const Received gone = Ask("/nothing", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(gone.body, Gzip(*long_));
}

TEST_F(ServerTest, TakesSeveralLinesOfAHeaderForOne) {
  EXPECT_EQ(Ask("/long", "Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n").Header("content-encoding"), "gzip");
  EXPECT_EQ(Ask("/long", "If-None-Match: \"a\"\r\nIf-None-Match: \"v1\"\r\n").status, 304);
}

TEST_F(ServerTest, AnswersHeadLikeGetWithoutTheBody) {
  for (const std::string path : {"/long", "/short", "/packed", "/empty", "/nothing", "/%"}) {
    for (const std::string headers : {"", "Accept-Encoding: gzip\r\n", "If-None-Match: \"v1\"\r\n"}) {
      Received get = Ask(path, headers);
      RawClient client = Connect();
      client.Send("HEAD " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\nGET /short HTTP/1.1\r\nHost: x\r\n\r\n");
      Received head = client.Read(/*head=*/true);
      get.headers["date"] = head.headers["date"] = "";
      EXPECT_EQ(head.status, get.status) << path << headers;
      EXPECT_EQ(head.headers, get.headers) << path << headers;
      EXPECT_EQ(client.Read().body, "short") << "a body after the answer to HEAD " << path << headers;
    }
  }
}

TEST_F(ServerTest, DoesNotSendAgainWhatTheClientHas) {
  for (const std::string known : {"\"v1\"", "W/\"v1\"", "\"a\", \"v1\"", "\"a,b\",W/\"v1\"", "*"}) {
    RawClient client = Connect();
    client.Send("GET /long HTTP/1.1\r\nHost: x\r\nIf-None-Match: " + known +
                "\r\n\r\nGET /short HTTP/1.1\r\nHost: x\r\n\r\n");
    const Received unchanged = client.Read();
    EXPECT_EQ(unchanged.status, 304) << known;
    EXPECT_EQ(unchanged.Header("etag"), "\"v1\"");
    EXPECT_EQ(unchanged.Header("vary"), "Accept-Encoding");
    EXPECT_EQ(unchanged.Header("last-modified"), kModified);
    EXPECT_EQ(unchanged.Header("content-type"), "");
    EXPECT_EQ(client.Read().body, "short") << known;
  }
  for (const std::string other : {"\"v2\"", "v1", "\"v1-gzip\"", "\"av1\"", "\"xv1\" ", "\"a, \"v1\""}) {
    EXPECT_EQ(Ask("/long", "If-None-Match: " + other + "\r\n").status, 200) << other;
  }
  // One tag for each coding: what was kept compressed is not what was asked for plain.
  EXPECT_EQ(Ask("/long", "Accept-Encoding: gzip\r\nIf-None-Match: \"v1\"\r\n").status, 200);
  EXPECT_EQ(Ask("/long", "Accept-Encoding: gzip\r\nIf-None-Match: \"v1-gzip\"\r\n").status, 304);
  EXPECT_EQ(Ask("/nothing", "If-None-Match: *\r\n").status, 404);
}

TEST_F(ServerTest, KnowsTheConditionsOfTimeAndOfMatch) {
  const auto status = [&](const std::string& headers) { return Ask("/long", headers).status; };
  const std::string since = "If-Modified-Since: ", unmodified = "If-Unmodified-Since: ";
  EXPECT_EQ(status(since + kModified + "\r\n"), 304);
  EXPECT_EQ(status(since + kLater + "\r\n"), 304);
  EXPECT_EQ(status(since + kEarlier + "\r\n"), 200);
  EXPECT_EQ(status(since + "never\r\n"), 200);
  EXPECT_EQ(status(since + kModified + "\r\nIf-None-Match: \"a\"\r\n"), 200);
  EXPECT_EQ(status(unmodified + kEarlier + "\r\n"), 412);
  EXPECT_EQ(status(unmodified + kModified + "\r\n"), 200);
  EXPECT_EQ(status("If-Match: \"v1\"\r\n"), 200);
  EXPECT_EQ(status("If-Match: *\r\n"), 200);
  EXPECT_EQ(status("If-Match: W/\"v1\"\r\n"), 412);
  EXPECT_EQ(status("If-Match: \"a\"\r\n"), 412);
  EXPECT_EQ(Ask("/short", since + kModified + "\r\n").status, 200);
}

TEST_F(ServerTest, CutsOneRangeOutOfThePlainBytes) {
  struct Case {
    std::string range, content_range;
    size_t first, length;
  };
  for (const Case& c :
       {Case{"bytes=0-9", "bytes 0-9/26000", 0, 10}, Case{"bytes=10-10", "bytes 10-10/26000", 10, 1},
        Case{"bytes=25990-", "bytes 25990-25999/26000", 25990, 10},
        Case{"bytes=-5", "bytes 25995-25999/26000", 25995, 5}, Case{"bytes=-99999", "bytes 0-25999/26000", 0, 26000},
        Case{"bytes=25999-30000", "bytes 25999-25999/26000", 25999, 1},
        Case{"Bytes=0-", "bytes 0-25999/26000", 0, 26000}}) {
    const Received part = Ask("/long", "Accept-Encoding: gzip\r\nRange: " + c.range + "\r\n");
    EXPECT_EQ(part.status, 206) << c.range;
    EXPECT_EQ(part.body, long_->substr(c.first, c.length)) << c.range;
    EXPECT_EQ(part.Header("content-range"), c.content_range);
    EXPECT_EQ(part.Header("content-length"), std::to_string(c.length));
    EXPECT_EQ(part.Header("content-encoding"), "");
    EXPECT_EQ(part.Header("etag"), "\"v1\"");
  }
  for (const std::string range : {"bytes=26000-", "bytes=26000-26001", "bytes=-0"}) {
    const Received none = Ask("/long", "Range: " + range + "\r\n");
    EXPECT_EQ(none.status, 416) << range;
    EXPECT_EQ(none.Header("content-range"), "bytes */26000");
    EXPECT_EQ(none.body, "");
  }
  for (const std::string range : {"bytes=0-0,5-9", "bytes=0-,0-,0-", "bytes=9-0", "bytes=", "bytes=-", "bytes=a-b",
                                  "lines=0-9", "bytes=0-9x", "0-9", "bytes=99999999999999999999-"}) {
    const Received whole = Ask("/long", "Range: " + range + "\r\nAccept-Encoding: gzip\r\n");
    EXPECT_EQ(whole.status, 200) << range;
    EXPECT_EQ(whole.body, *long_) << range;
    EXPECT_EQ(whole.Header("content-range"), "");
  }
  EXPECT_EQ(Ask("/nothing", "Range: bytes=0-9\r\n").status, 404);
  EXPECT_EQ(Ask("/long", "Range: bytes=0-9\r\n", "HEAD").Header("content-length"), "26000");
  EXPECT_EQ(Ask("/long", "Range: bytes=0-9\r\nIf-None-Match: \"v1\"\r\n").status, 304);
}

TEST_F(ServerTest, CutsARangeOnlyOutOfWhatTheClientHasThePartsOf) {
  const auto status = [&](const std::string& condition) {
    return Ask("/long", "Range: bytes=0-9\r\nIf-Range: " + condition + "\r\n").status;
  };
  EXPECT_EQ(status("\"v1\""), 206);
  EXPECT_EQ(status(kModified), 206);
  EXPECT_EQ(status("\"v2\""), 200);
  EXPECT_EQ(status("W/\"v1\""), 200);
  EXPECT_EQ(status("\"v1-gzip\""), 200);
  EXPECT_EQ(status(kLater), 200);
  EXPECT_EQ(status(kEarlier), 200);
  EXPECT_EQ(status("nonsense"), 200);
}

TEST_F(ServerTest, KeepsAConnectionForTheNextRequest) {
  RawClient client = Connect();
  for (int i = 0; i < 3; ++i) {
    client.Send("GET /short HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.Read().body, "short");
  }
  client.Send("GET /short HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.Read().Header("connection"), "close");
  EXPECT_TRUE(client.Closed());
  EXPECT_THAT(Raw("GET /short HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, AnswersRequestsThatCameTogetherInTheirOrder) {
  RawClient client = Connect();
  std::string together;
  for (int i = 0; i < 20; ++i) {
    together += "GET /asked?a=" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  client.Send(together);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(client.Read().body, "GET " + std::to_string(i) + "  127.0.0.1");
  }
}

TEST_F(ServerTest, CanOnlyBeRead) {
  for (const std::string method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "WHATEVER"}) {
    const Received refused = Ask("/short", "", method);
    EXPECT_EQ(refused.status, 405) << method;
    EXPECT_EQ(refused.Header("allow"), "GET, HEAD");
    EXPECT_EQ(refused.Header("x-content-type-options"), "nosniff");
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(ServerTest, TakesNothingInABodyForASecondRequest) {
  std::string hidden;
  while (hidden.size() < 60'000) {
    hidden += "GET /short HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  const std::string length = "Content-Length: " + std::to_string(hidden.size());
  for (const std::string method : {"GET", "HEAD", "POST"}) {
    for (const std::string& header : {length,
                                      std::string("Transfer-Encoding: chunked"),
                                      length + "\r\nTransfer-Encoding: chunked",
                                      "Transfer-Encoding: chunked\r\n" + length,
                                      "Content-Length: 0\r\n" + length,
                                      length + "\r\nContent-Length: 0",
                                      std::string("Transfer-Encoding: identity"),
                                      std::string("Transfer-Encoding:\tchunked"),
                                      std::string("Transfer-Encoding: x, chunked"),
                                      std::string("Content-Length: 0x10"),
                                      std::string("Content-Length: +5"),
                                      std::string("Content-Length: 5, 5"),
                                      std::string("Content-Length: -1"),
                                      std::string("Content-Length: 00"),
                                      std::string("Content-Length: "),
                                      std::string("Transfer-Encoding:"),
                                      std::string("Transfer-Encoding : chunked"),
                                      std::string("X: a\rTransfer-Encoding: chunked"),
                                      std::string("X: a\nContent-Length: 5"),
                                      std::string("X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 5"),
                                      std::string("Expect: 100-continue\r\nContent-Length: 5")}) {
      const std::string answer = Raw(method + " /long HTTP/1.1\r\nHost: x\r\n" + header + "\r\n\r\n" + hidden);
      EXPECT_THAT(answer, StartsWith("HTTP/1.1 40")) << method << " " << header;
      EXPECT_THAT(answer, HasSubstr("Connection: close")) << method << " " << header;
      EXPECT_THAT(answer, Not(HasSubstr(" 200 OK"))) << method << " " << header;
    }
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(ServerTest, TakesNoLoneLineEndForTheEndOfTheHeaders) {
  for (const std::string separator : {"\r\r", "\n\r", "\r\r\n"}) {
    const std::string answer = Raw("GET /short HTTP/1.1\r\nHost: x\r\nX: a" + separator +
                                   "GET /short HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(answer.find("HTTP/1.1 "), answer.rfind("HTTP/1.1 ")) << answer;
    EXPECT_THAT(answer, Not(HasSubstr(" 200 OK")));
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(ServerTest, RefusesWhatIsNoRequest) {
  for (const std::string bytes :
       {"GET /short HTTP/1.1\r\n\r\n", "GET /short\r\n\r\n", "GET /short HTTP/3.0\r\nHost: x\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /a%2fb HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /../a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET short HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /short HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n"}) {
    const std::string answer = Raw(bytes);
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 5") ||
                answer.starts_with("HTTP/1.0 4"))
        << bytes << "\n"
        << answer;
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(ServerTest, RefusesMoreHeadersThanItsLimit) {
  EXPECT_THAT(Raw("GET /short HTTP/1.1\r\nHost: x\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n"), HasSubstr(" 431 "));
  EXPECT_THAT(Raw("GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"), HasSubstr(" 414 "));
  EXPECT_EQ(Ask("/short", "X: " + std::string(8000, 'a') + "\r\n").status, 200);
  EXPECT_EQ(Ask("/" + std::string(8000, 'a')).status, 404);
}

TEST_F(ServerTest, HidesWhatAHandlerThrows) {
  const Received failed = Ask("/throws");
  EXPECT_EQ(failed.status, 500);
  EXPECT_THAT(failed.body, Not(HasSubstr("secret")));
  EXPECT_EQ(Ask("/short").status, 200);
}

// Two ends of each connection are in this process.
void AllowConnections(int count) {
  rlimit files = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  const rlim_t needed = 2 * static_cast<rlim_t>(count) + 256;
  ASSERT_GE(files.rlim_max, needed) << "this test needs so many open files: raise the hard limit (ulimit -Hn)";
  if (files.rlim_cur < needed) {
    files.rlim_cur = needed;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
  }
}

TEST_F(ServerTest, AnswersANewReaderBesideManyIdleAndSlowOnes) {
  constexpr int kIdle = 2000;
  constexpr int kSlow = 500;
  constexpr int kAnswered = 50;
  ASSERT_NO_FATAL_FAILURE(AllowConnections(kIdle + kSlow + kAnswered));
  Start({.idle = absl::Hours(1), .slowest_request = absl::Hours(1)});  // however slow the machine is
  std::vector<RawClient> idle, slow;
  for (int i = 0; i < kIdle; ++i) {
    idle.emplace_back(server_->port());
  }
  // Each stops in the middle of its request, everywhere from the method to the last header.
  const std::string request = "GET /short HTTP/1.1\r\nHost: x\r\nX-Slow: yes\r\n\r\n";
  const auto sent = [&](int i) { return 1 + static_cast<size_t>(i) % (request.size() - 1); };
  for (int i = 0; i < kSlow; ++i) {
    slow.emplace_back(server_->port()).Send(request.substr(0, sent(i)));
  }
  for (int i = 0; i < kAnswered; ++i) {
    EXPECT_EQ(Ask("/short").body, "short");
  }
  EXPECT_EQ(Ask("/long").body, *long_);
  // They were held all the while: who takes long and who has said nothing yet are answered when they have asked.
  for (int i = 0; i < kSlow; ++i) {
    slow[static_cast<size_t>(i)].Send(request.substr(sent(i)));
    ASSERT_EQ(slow[static_cast<size_t>(i)].Read().body, "short") << i;
  }
  for (RawClient& client : idle) {
    client.Send(request);
    ASSERT_EQ(client.Read().body, "short");
  }
}

// Who connects while a handler runs is answered by another thread: all of them meet inside their requests.
TEST_F(ServerTest, AnswersAsManyAtOnceAsItHasThreads) {
  constexpr int kThreads = 4;
  Start({.threads = kThreads});
  std::vector<RawClient> readers;
  for (int i = 1; i <= kThreads; ++i) {
    readers.emplace_back(server_->port()).Send("GET /together HTTP/1.1\r\nHost: x\r\n\r\n");
    absl::MutexLock lock(&mutex_);
    const auto inside = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return inside_ == i; };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&inside), absl::Seconds(20))) << i;
  }
  leave_.Notify();
  for (RawClient& reader : readers) {
    EXPECT_EQ(reader.Read().body, "short");
  }
}

TEST_F(ServerTest, ClosesWhatComesFromOnePeerAboveItsLimit) {
  Start({.most_connections_per_peer = 3});
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(server_->port()).Send("GET /short HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(clients.back().Read().status, 200);
  }
  EXPECT_EQ(Ask("/short").status, 0);
  clients.front().Send("GET /short HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(clients.front().Read().status, 200);
}

TEST_F(ServerTest, HangsUpOnARequestThatTakesTooLong) {
  // One thread takes them in the order in which they came.
  Start({.threads = 1, .slowest_request = absl::ZeroDuration()});
  RawClient slow = Connect();
  slow.Send("GET /short HTTP/1.1\r\nHo");
  RawClient next = Connect();
  next.Send("GET /short HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(slow.Closed());
}

TEST_F(ServerTest, FinishesAnAnswerBeforeItStopsAndCanStartAgain) {
  RawClient client = Connect();
  client.Send("GET /waits HTTP/1.1\r\nHost: x\r\n\r\n");
  entered_.WaitForNotification();
  const int port = server_->port();
  std::thread stopping([this] { server_->Stop(); });
  leave_.Notify();
  EXPECT_EQ(client.Read().body, "short");
  stopping.join();
  EXPECT_TRUE(client.Closed());
  ASSERT_THAT(server_->Start(), IsOk());
  EXPECT_EQ(server_->port(), port);
  EXPECT_EQ(Ask("/short").body, "short");
}

TEST_F(ServerTest, SaysInASentenceWhyItCannotListen) {
  const auto listen = [](const std::string& address) {
    return Server::Listen({.address = address}, [](const Request&) { return Response(); }).status();
  };
  const std::string taken = server_->address();
  EXPECT_THAT(listen(taken), MessageIs(HasSubstr("cannot listen on " + taken)));
  for (const std::string address :
       {"nowhere", ":80", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "no.such.host.invalid:1"}) {
    EXPECT_THAT(listen(address), StatusIs(absl::StatusCode::kInvalidArgument)) << address;
  }
}

TEST_F(ServerTest, ListensOnBothKindsOfAddresses) {
  auto server = Server::Listen({.address = "[::1]:0"}, [this](const Request& request) { return Answer(request); });
  ASSERT_THAT(server, IsOk());
  EXPECT_THAT((*server)->Start(), IsOk());
  EXPECT_THAT((*server)->address(), StartsWith("[::1]:"));
}

}  // namespace
}  // namespace section55::http
