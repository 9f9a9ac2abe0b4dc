// Sinks over a real stream: receivers that are slow, fail, end, say 410 or 413, and a file that is rotated under them.

#include "service/events/sinks.h"

#include <gmock/gmock.h>

#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "base/crypto.h"
#include "base/encoding.h"
#include "service/events/event_file.h"
#include "service/events/json.h"
#include "service/events/place.h"
#include "service/events/report.h"
#include "service/events/signature.h"
#include "service/events/webhook.h"
#include "testing/memory_stream.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::events {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// An HTTP server behind every address: answers as the test says, keeps what came.
class FakeReceiver final : public net::Dialer {
 public:
  explicit FakeReceiver(testing::TestLoop& loop) : loop_(loop) {}

  Task<Result<std::unique_ptr<net::Stream>>> dial(Endpoint to, Duration, net::Cancellation*) override {
    dialed.push_back(to);
    if (refuses) co_return fail(Error::temporary(Error::Cause::closed, "connection refused"));
    auto [server, client] = testing::make_memory_streams(loop_.clock());
    loop_.start(serve(std::move(server)));
    co_return std::move(client);
  }

  bool refuses = false;
  bool hangs = false;
  std::vector<std::string> answers;  // for the next requests; then 204
  std::vector<Endpoint> dialed;
  std::vector<std::string> heads;
  std::vector<std::string> bodies;

 private:
  Task<> serve(std::unique_ptr<net::Stream> stream) {
    std::string in;
    std::array<char, 4'096> buffer;
    while (true) {
      const auto end = in.find("\r\n\r\n");
      const auto length_at = in.find("Content-Length: ");
      if (end != std::string::npos) {
        const std::size_t length = std::stoul(in.substr(length_at + 16));
        if (in.size() >= end + 4 + length) {
          heads.push_back(in.substr(0, end));
          bodies.push_back(in.substr(end + 4, length));
          in.erase(0, end + 4 + length);
          std::string answer = "HTTP/1.1 204 No Content\r\n\r\n";
          if (!answers.empty()) {
            answer = answers.front();
            answers.erase(answers.begin());
          }
          if (answer.empty() || hangs) continue;
          if (answer == "close") co_return;
          ignore(co_await stream->write(answer, std::chrono::minutes(1)), "a test");
          continue;
        }
      }
      const auto count = co_await stream->read(buffer, std::chrono::hours(100));
      if (!count || *count == 0) co_return;
      in.append(buffer.data(), *count);
    }
  }

  testing::TestLoop& loop_;
};

class SinksTest : public ::testing::Test {
 protected:
  SinksTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "godwit-sinks-XXXXXX").string();
    settings_.directory = std::filesystem::path(mkdtemp(pattern.data())) / "events";
    stream_ = *Stream::open(settings_, *disk_, loop_.clock());
    sinks_ = make_sinks();
  }
  ~SinksTest() override {
    end();
    stream_.reset();
    std::filesystem::remove_all(settings_.directory.parent_path());
  }

  std::unique_ptr<Sinks> make_sinks() {
    return std::make_unique<Sinks>(
        SinksContext{*stream_, settings_.directory, *disk_, pool_, loop_.clock(), random_, *tasks_, loop_.executor()});
  }
  void end() {
    if (!sinks_) return;
    tasks_->stop();
    EXPECT_TRUE(loop_.run(tasks_->wait(loop_.clock(), std::chrono::minutes(1))));
    sinks_.reset();
  }
  void restart() {
    end();
    tasks_ = std::make_unique<net::TaskGroup>();
    sinks_ = make_sinks();
  }

  WebhookSettings webhook(std::string name = "hook") {
    WebhookSettings settings;
    settings.name = std::move(name);
    settings.url = "https://hooks.example.net/mail?key=1";
    settings.where = *http::parse_url(settings.url);
    settings.key = "0123456789abcdef";
    settings.tls = std::shared_ptr<net::TlsConnector>(&tls_, [](auto*) {});
    return settings;
  }
  void set(std::vector<WebhookSettings> webhooks) {
    std::vector<std::unique_ptr<Sink>> sinks;
    for (auto& settings : webhooks) {
      auto resolve = [](std::string) -> Task<Result<std::vector<IpAddress>>> { co_return std::vector{*parse_ip("192.0.2.9")}; };
      sinks.push_back(make_webhook(std::move(settings), {loop_.clock(), receiver_, resolve}));
    }
    sinks_->set(std::move(sinks));
    pass();
  }
  void add(std::uint64_t n, Type type = Type::delivered) {
    Draft draft;
    draft.type = type;
    draft.message = MessageId{n << 23};
    draft[Text::recipient] = "bob@example.net";
    draft[Text::reply] = "250 2.0.0 \"Ok\"\x01\xff";
    stream_->add(draft);
  }
  void pass(Duration duration = std::chrono::seconds(1)) { loop_.advance(duration); }

  // Ids of all events that the receiver has seen, each request a list.
  std::vector<std::vector<std::string>> seen() const {
    std::vector<std::vector<std::string>> out;
    for (const std::string& body : receiver_.bodies) {
      auto& ids = out.emplace_back();
      const auto parsed = boost::json::parse(body);
      for (const auto& event : parsed.as_array()) ids.emplace_back(event.at("id").as_string());
    }
    return out;
  }

  testing::TestLoop loop_;
  testing::SeededRandom random_{7};
  BlockingPool pool_{0};
  Settings settings_;
  std::unique_ptr<store::Disk> disk_ = store::make_posix_disk();
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<net::TaskGroup> tasks_ = std::make_unique<net::TaskGroup>();
  testing::FakeTls tls_;
  FakeReceiver receiver_{loop_};
  std::unique_ptr<Sinks> sinks_;
};

TEST_F(SinksTest, Webhook_PostsASignedBatch) {
  set({webhook()});
  for (std::uint64_t i = 1; i <= 3; ++i) add(i);
  pass();
  ASSERT_THAT(receiver_.bodies, SizeIs(1));
  const std::string& head = receiver_.heads[0];
  EXPECT_TRUE(head.starts_with("POST /mail?key=1 HTTP/1.1\r\nHost: hooks.example.net\r\n")) << head;
  EXPECT_THAT(head, HasSubstr("Content-Type: application/json\r\n"));
  const auto field = [&](const std::string& name) {
    const auto at = head.find(name + ": ") + name.size() + 2;
    return head.substr(at, head.find('\r', at) - at);
  };
  const std::string id = field("webhook-id");
  const std::string text = id + "." + field("webhook-timestamp") + "." + receiver_.bodies[0];
  EXPECT_EQ(field("webhook-signature").substr(0, 200), "v1," + base64_encode(crypto::hmac_sha256("0123456789abcdef", text)));
  EXPECT_THAT(tls_.server_names, ElementsAre("hooks.example.net"));
  EXPECT_EQ(receiver_.dialed[0].text(), "192.0.2.9:443");
  const auto events = boost::json::parse(receiver_.bodies[0]).as_array();
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[0].at("type").as_string(), "delivered");
  EXPECT_EQ(events[0].at("recipient").as_string(), "bob@example.net");
  EXPECT_EQ(events[0].at("reply").as_string(), "250 2.0.0 \"Ok\"\x01\xef\xbf\xbd");
  EXPECT_EQ(events[0].at("code").to_number<int>(), 250);

  add(4);
  pass();
  EXPECT_THAT(receiver_.bodies, SizeIs(2));
  EXPECT_THAT(receiver_.dialed, SizeIs(1));  // the connection was kept
}

TEST_F(SinksTest, Webhook_TakesItsTypesAlone_AndWhatIsNewAlone) {
  add(1, Type::bounced);
  auto settings = webhook();
  settings.types = bit(Type::bounced);
  set({settings});
  add(2, Type::delivered);
  add(3, Type::bounced);
  pass();
  ASSERT_THAT(seen(), SizeIs(1));
  EXPECT_THAT(seen()[0], SizeIs(1));
  EXPECT_EQ(sinks_->status()[0].position, stream_->end());
}

TEST_F(SinksTest, Receiver_ThatFails_GetsTheSameParcelAgain_LaterEachTime) {
  receiver_.answers = {"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops",
                       "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "close", "220 mx.example.org ESMTP\r\n",
                       "HTTP/1.1 503 Busy\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n"};
  set({webhook()});
  add(1);
  pass(std::chrono::milliseconds(300));
  ASSERT_THAT(receiver_.bodies, SizeIs(1));
  auto status = sinks_->status()[0];
  EXPECT_EQ(status.failures, 1u);
  EXPECT_THAT(status.last_error, HasSubstr("500 oops"));
  add(2);  // comes in a later one
  pass(std::chrono::seconds(2));
  EXPECT_THAT(sinks_->status()[0].last_error, HasSubstr("redirect is not followed"));
  pass(std::chrono::seconds(20));
  EXPECT_THAT(receiver_.bodies, SizeIs(5));
  pass(std::chrono::seconds(500));
  EXPECT_THAT(receiver_.bodies, SizeIs(5));  // it asked for ten minutes
  pass(std::chrono::seconds(200));
  ASSERT_THAT(receiver_.bodies, SizeIs(7));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(receiver_.bodies[static_cast<std::size_t>(i)], receiver_.bodies[0]);
  EXPECT_THAT(seen()[6], SizeIs(1));
  status = sinks_->status()[0];
  EXPECT_EQ(status.failures, 0u);
  EXPECT_EQ(status.sent, 2u);
}

TEST_F(SinksTest, OneThatHangs_DoesNotHoldUpTheOther) {
  receiver_.hangs = true;
  set({webhook("slow")});
  add(1);
  pass();
  EXPECT_THAT(receiver_.bodies, SizeIs(1));
  receiver_.hangs = false;
  const std::string path = settings_.directory.parent_path() / "events.json";
  FileSettings file;
  file.rotation.path = path;
  std::vector<std::unique_ptr<Sink>> sinks;
  auto resolve = [](std::string) -> Task<Result<std::vector<IpAddress>>> { co_return std::vector{*parse_ip("192.0.2.9")}; };
  sinks.push_back(make_webhook(webhook("slow"), {loop_.clock(), receiver_, resolve}));
  sinks.push_back(make_event_file(file, pool_, loop_.clock()));
  sinks_->set(std::move(sinks));
  pass();
  for (std::uint64_t i = 2; i <= 4; ++i) add(i);
  pass();
  EXPECT_EQ(sinks_->status()[1].sent, 3u);
  EXPECT_EQ(sinks_->status()[0].sent, 0u);
  pass(std::chrono::seconds(40));  // its time-out, and once more
  EXPECT_EQ(sinks_->status()[0].sent, 4u);
}

TEST_F(SinksTest, Gone_StopsUntilAReload) {
  receiver_.answers = {"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"};
  set({webhook()});
  add(1);
  pass(std::chrono::hours(30));
  EXPECT_THAT(receiver_.bodies, SizeIs(1));
  EXPECT_TRUE(sinks_->status()[0].stopped);
  set({webhook()});
  pass(std::chrono::seconds(5));
  EXPECT_THAT(receiver_.bodies, SizeIs(2));
  EXPECT_FALSE(sinks_->status()[0].stopped);
}

TEST_F(SinksTest, TooLarge_ComesInSmallerParcels) {
  set({webhook()});
  receiver_.answers = {"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"};
  for (std::uint64_t i = 1; i <= 8; ++i) add(i);
  pass(std::chrono::seconds(30));
  ASSERT_GE(seen().size(), 4u);
  EXPECT_THAT(seen()[0], SizeIs(8));
  EXPECT_THAT(seen()[1], SizeIs(4));
  EXPECT_THAT(seen()[2], SizeIs(2));
  EXPECT_EQ(sinks_->status()[0].sent, 8u);
}

TEST_F(SinksTest, AnEndlessAnswer_IsCutOff) {
  receiver_.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 131072\r\n\r\n" + std::string(0x20000, 'x'),
                       "HTTP/1.1 200 OK\r\nX-Long: " + std::string(30'000, 'h') + "\r\n\r\n"};
  set({webhook()});
  add(1);
  pass(std::chrono::seconds(10));
  EXPECT_THAT(receiver_.bodies, SizeIs(3));
  EXPECT_THAT(sinks_->status()[0].last_error, HasSubstr("too long"));
  EXPECT_EQ(sinks_->status()[0].sent, 1u);
}

TEST_F(SinksTest, ARestart_GoesOnWhereItWas) {
  set({webhook()});
  add(1);
  pass();
  receiver_.refuses = true;
  receiver_.answers = {"close"};
  add(2);
  pass();
  restart();
  add(3);
  receiver_.refuses = false;
  receiver_.answers.clear();
  set({webhook()});
  pass(std::chrono::seconds(3));
  std::set<std::string> ids;
  for (const auto& request : seen()) ids.insert(request.begin(), request.end());
  EXPECT_THAT(ids, SizeIs(3));
}

TEST_F(SinksTest, OtherSettings_OneAfterTheOther) {
  set({webhook()});
  add(1);
  pass();
  auto other = webhook();
  other.batch = 1;
  set({other});
  add(2);
  add(3);
  pass(std::chrono::seconds(2));
  EXPECT_THAT(seen(), SizeIs(3));
  EXPECT_THAT(sinks_->status(), SizeIs(1));
  set({});
  add(4);
  pass(std::chrono::seconds(2));
  EXPECT_THAT(seen(), SizeIs(3));
  EXPECT_EQ(tasks_->running(), 0u);
}

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) out.push_back(line);
  return out;
}

TEST_F(SinksTest, File_RotatesAndFollowsWhoMovesIt) {
  const std::string path = settings_.directory.parent_path() / "events.json";
  FileSettings settings;
  settings.rotation.path = path;
  settings.rotation.max_size = 500;
  settings.rotation.keep = 2;
  settings.rotation.rotate_every = Duration(0);  // the test's day is not the file's
  std::ofstream(path) << "{\"half a line";
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(make_event_file(settings, pool_, loop_.clock()));
  sinks_->set(std::move(sinks));
  pass();
  add(1);
  pass();
  ASSERT_THAT(lines_of(path), SizeIs(2));
  EXPECT_EQ(boost::json::parse(lines_of(path)[1]).at("type").as_string(), "delivered");
  std::filesystem::rename(path, path + ".moved");  // as logrotate does
  add(2);
  pass();
  EXPECT_THAT(lines_of(path), SizeIs(1));
  for (std::uint64_t i = 3; i <= 30; ++i) {
    add(i);
    pass();
  }
  EXPECT_TRUE(std::filesystem::exists(path + ".1"));
  EXPECT_TRUE(std::filesystem::exists(path + ".2"));
  EXPECT_FALSE(std::filesystem::exists(path + ".3"));
  EXPECT_EQ(sinks_->status()[0].sent, 30u);
}

TEST_F(SinksTest, File_ThatCannotBeWritten_WaitsAndGoesOn) {
  const std::string folder = settings_.directory.parent_path() / "later";
  FileSettings settings;
  settings.rotation.path = folder + "/events.json";
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(make_event_file(settings, pool_, loop_.clock()));
  sinks_->set(std::move(sinks));
  pass();
  add(1);
  pass();
  EXPECT_THAT(sinks_->status()[0].last_error, HasSubstr("cannot open it"));
  std::filesystem::create_directory(folder);
  pass(std::chrono::seconds(10));
  EXPECT_THAT(lines_of(settings.rotation.path), SizeIs(1));
}

TEST(Place, TheNewerSlotCounts_AndADamagedOneDoesNot) {
  std::string pattern = (std::filesystem::temp_directory_path() / "godwit-place-XXXXXX").string();
  const std::filesystem::path directory = mkdtemp(pattern.data());
  const std::string path = directory / place_name("file:/var/log/x.json");
  EXPECT_EQ(std::filesystem::path(path).filename(), "sink-file%3a%2fvar%2flog%2fx.json.pos");
  const auto disk = store::make_posix_disk();
  {
    auto place = *Place::open(*disk, path);
    EXPECT_FALSE(place->position());
    for (std::uint32_t i = 1; i <= 3; ++i) EXPECT_TRUE(place->save({i, 16}));
  }
  EXPECT_EQ((*Place::open(*disk, path))->position(), (Position{3, 16}));
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(32 + 20).put('\x77');
  EXPECT_EQ((*Place::open(*disk, path))->position(), (Position{2, 16}));
  std::filesystem::remove_all(directory);
}

TEST(WaitAfter, GrowsToAnHour) {
  testing::SeededRandom random{1};
  EXPECT_LE(wait_after(1, random), std::chrono::milliseconds(1'100));
  EXPECT_GE(wait_after(4, random), std::chrono::milliseconds(7'200));
  for (const unsigned failures : {13u, 100u, 4'000'000'000u}) {
    EXPECT_LE(wait_after(failures, random), std::chrono::minutes(66));
    EXPECT_GE(wait_after(failures, random), std::chrono::minutes(54));
  }
}

TEST(Secret, Files) {
  std::string pattern = (std::filesystem::temp_directory_path() / "godwit-secret-XXXXXX").string();
  const std::filesystem::path directory = mkdtemp(pattern.data());
  const std::string path = directory / "secret";
  std::ofstream(path) << "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";
  // the example of the standardwebhooks specification
  EXPECT_EQ(sign(*read_secret(path), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1'614'265'330, "{\"test\": 2432232314}"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  std::ofstream(path) << "short\n";
  EXPECT_FALSE(read_secret(path));
  EXPECT_FALSE(read_secret(directory / "none"));
  EXPECT_EQ(*read_secret(""), "");
  std::filesystem::remove_all(directory);
}

TEST(Json, AMessage) {
  queue::Message message;
  message.id = MessageId{5ull << 23};
  message.message_id = "<1@example.org>";
  message.tenant = "example.org";
  message.size = 100;
  queue::Recipient recipient;
  recipient.state = queue::Recipient::State::bounced;
  recipient.attempts = 2;
  recipient.last.status = {5, 1, 1};
  recipient.last.remote_reply = "550 5.1.1 No such user";
  message.recipients.push_back(recipient);
  Event event;
  event.id = MessageId{9};
  event.type = Type::bounced;
  event.time = WallTime(std::chrono::milliseconds(1'763'813'919'007));
  event.message = message.id;
  event.texts[static_cast<std::size_t>(Text::status)] = "5.1.1";
  event.recipients = {"a@example.net", "b@example.net"};
  event.recipient_count = 2;
  std::string json;
  append_json(json, event);
  const auto parsed = boost::json::parse(json).as_object();
  EXPECT_EQ(parsed.at("time").as_string(), "2025-11-22T12:18:39.007Z");
  EXPECT_EQ(parsed.at("status").as_string(), "5.1.1");
  EXPECT_EQ(parsed.at("sender").as_string(), "");
  EXPECT_EQ(parsed.at("recipients").as_array().size(), 2u);
  report(nullptr, message, recipient);  // switched off
}

}  // namespace
}  // namespace godwit::events
