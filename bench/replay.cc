// A fixed replay for callgrind: so many messages of 4 KB from a client through session, intake, queue, scheduler and outbound to a server,
// all in this process, on the memory engine, a manual clock and memory streams. bench/replay.py runs it with and without trace and
// events and compares the instructions.
//
//   replay MESSAGES [trace] [events]

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include "edge/net/task_group.h"
#include "frontend/smtpd/smtpd.h"
#include "service/outbound/outbound.h"
#include "service/outbound/reply_class.h"
#include "service/scheduler/scheduler.h"
#include "state/events/stream.h"
#include "state/mailbox/mailbox.h"
#include "testing/fake_resolver.h"
#include "testing/memory_blobs.h"
#include "testing/memory_stream.h"
#include "testing/memory_engine.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit {
namespace {

constexpr std::size_t kMessagesASession = 20;
constexpr std::size_t kBytes = 4'096;

std::string make_body(std::size_t number) {
  std::string body = "Message-ID: <" + std::to_string(number) +
                     "@client.test>\r\nFrom: anna@client.test\r\nTo: bob@far.test\r\nSubject: a replay\r\n"
                     "Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n";
  while (body.size() < kBytes) body += "The quick brown fox jumps over the lazy dog, and then it does so once more.\r\n";
  return body;
}

// The other ends cost next to nothing, so that what is counted is the server.
constexpr Duration kLong = std::chrono::hours(1);

Task<> swallow(net::Stream& stream, bool& ended) {
  std::array<char, 4'096> buffer;
  while (true) {
    const auto count = co_await stream.read(buffer, kLong);
    if (!count || *count == 0) break;
  }
  ended = true;
}

class NextHop final : public net::Dialer {
 public:
  NextHop(Clock& clock, net::TaskGroup& tasks) : clock_(clock), tasks_(tasks) {}

  Task<Result<std::unique_ptr<net::Stream>>> dial(Endpoint, Duration, net::Cancellation*) override {
    auto [server, client] = testing::make_memory_streams(clock_);
    net::spawn(co_await this_executor(), tasks_, "next_hop", serve(std::move(server)));
    co_return std::move(client);
  }
  std::size_t messages = 0;

 private:
  Task<> serve(std::unique_ptr<net::Stream> stream) {
    constexpr std::string_view kEnd = "\r\n.\r\n";
    std::array<char, 16'384> buffer;
    std::string in;
    bool body = false;
    std::string out = "220 next.hop ESMTP\r\n";
    while (true) {
      if (!out.empty()) ignore(co_await stream->write(out, kLong), "it goes");
      out.clear();
      const auto count = co_await stream->read(buffer, kLong);
      if (!count || *count == 0) co_return;
      in.append(buffer.data(), *count);
      while (!in.empty()) {
        const auto end = in.find(body ? kEnd : std::string_view("\r\n"));
        if (end == std::string::npos) break;
        if (body) {
          ++messages;
          out += "250 2.0.0 kept as 1234567890\r\n";
        } else if (in.starts_with("EHLO")) {
          out += "250-next.hop\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250 8BITMIME\r\n";
        } else {
          out += in.starts_with("DATA") ? "354 go on\r\n" : in.starts_with("QUIT") ? "221 bye\r\n" : "250 2.1.0 Ok\r\n";
        }
        const bool begins = !body && in.starts_with("DATA");
        in.erase(0, end + (body ? kEnd.size() : 2));
        body = begins;
      }
    }
  }

  Clock& clock_;
  net::TaskGroup& tasks_;
};

class World {
 public:
  World(bool with_trace, bool with_events) {
    std::string pattern = (std::filesystem::temp_directory_path() / "godwit-replay-XXXXXX").string();
    directory_of_files_ = mkdtemp(pattern.data());
    trace_ = with_trace ? *trace::open_trace({.directory = directory_of_files_ / "trace"}, *disk_, pool_, loop_.clock())
                        : trace::make_null_trace();
    if (with_events) events_ = *events::Stream::open({.directory = directory_of_files_ / "events"}, *disk_, loop_.clock());
    GODWIT_CHECK(loop_.run(queue_.open(1)).has_value());
    router_ = *routing::Router::create({{"far.test", {"smtp://192.0.2.9:25"}}}, directory_);
    make_services();
  }
  ~World() {
    scheduler_->drain();
    outbound_->drain();
    tasks_.stop();
    loop_.advance(std::chrono::minutes(10));
    trace_->stop();
    if (events_) events_->stop();
    std::filesystem::remove_all(directory_of_files_);
  }

  void run(std::size_t messages) {
    for (std::size_t at = 0; at < messages; at += kMessagesASession) session(at, std::min(messages, at + kMessagesASession));
    for (int i = 0; i < 100 && network_.messages < messages; ++i) loop_.advance(std::chrono::milliseconds(100));
    if (network_.messages == messages && queue_.totals().messages == 0) return;
    std::fprintf(stderr, "%zu of %zu messages arrived\n", network_.messages, messages);
    std::exit(1);
  }

 private:
  void make_services() {
    intake::Context doors{directory_,
                          queue_,
                          blobs_,
                          *trace_,
                          loop_.clock(),
                          random_,
                          [this] { return router_; },
                          [] { return std::size_t{0}; },
                          [this] { return for_intake_; },
                          [this](queue::Message message) { scheduler_->accepted(std::move(message)); }};
    doors.events = events_.get();
    intake_ = intake::make_intake(std::move(doors));
    outbound::Context outward{network_,
                              tls_,
                              [](std::string host) -> Task<Result<std::vector<IpAddress>>> { co_return std::vector{*parse_ip(host)}; },
                              dns_,
                              [](const Endpoint&) { return false; },
                              blobs_,
                              loop_.clock(),
                              random_,
                              *trace_,
                              tasks_,
                              loop_.executor(),
                              [this] { return for_outbound_; }};
    outbound_ = outbound::make_outbound(std::move(outward));
    scheduler::Context way_out{queue_,
                               mailboxes_,
                               blobs_,
                               *trace_,
                               *intake_,
                               loop_.clock(),
                               random_,
                               tasks_,
                               loop_.executor(),
                               0,
                               1,
                               [this] { return router_; },
                               mx_,
                               [this] { return for_scheduler_; },
                               [this](outbound::Job job) { outbound_->offer(std::move(job)); }};
    way_out.events = events_.get();
    scheduler_ = scheduler::make_scheduler(std::move(way_out));
    scheduler_->start();
    smtpd_.reset(new smtpd::Context{*intake_, directory_, loop_.clock(), random_, [] { return nullptr; }, [this] { return for_smtpd_; },
                                    tasks_, limits_});
  }

  static Task<> say(net::Stream& stream, const std::string& bytes) { ignore(co_await stream.write(bytes, kLong), "it goes"); }

  void session(std::size_t from, std::size_t to) {
    auto [server, client_end] = testing::make_memory_streams(loop_.clock());
    bool ended = false;
    std::string all = "EHLO client.test\r\n";
    net::spawn(loop_.executor(), tasks_, "smtpd", smtpd::serve(std::move(server), smtpd::Role::mx, *smtpd_));
    loop_.start(swallow(*client_end, ended));
    loop_.run(say(*client_end, all));
    for (std::size_t i = from; i < to; ++i) {
      all = "MAIL FROM:<anna@client.test> SIZE=4096\r\nRCPT TO:<bob@far.test>\r\nDATA\r\n";
      loop_.run(say(*client_end, all));
      all = make_body(i) + ".\r\n";
      loop_.run(say(*client_end, all));
    }
    all = "QUIT\r\n";
    loop_.run(say(*client_end, all));
    for (int i = 0; i < 100 && !ended; ++i) loop_.advance(std::chrono::milliseconds(10));
  }

  std::filesystem::path directory_of_files_;
  testing::TestLoop loop_;
  testing::SeededRandom random_{7};
  BlockingPool pool_{0};
  std::unique_ptr<store::Disk> disk_ = store::make_posix_disk();
  std::unique_ptr<trace::Trace> trace_;
  std::unique_ptr<events::Stream> events_;
  testing::MemoryEngine engine_;
  testing::MemoryBlobs blobs_;
  directory::Directory directory_{engine_, pool_, loop_.clock(), random_};
  mailbox::Mailboxes mailboxes_{engine_, blobs_, loop_.clock(), random_};
  queue::Queue queue_{engine_, blobs_, loop_.clock()};
  net::TaskGroup tasks_;
  net::ConnectionLimits limits_{10'000, 10'000};
  testing::FakeTls tls_;
  testing::FakeResolver dns_{loop_.clock()};
  NextHop network_{loop_.clock(), tasks_};
  std::shared_ptr<const routing::Router> router_;
  std::shared_ptr<intake::Settings> for_intake_ = [] {
    auto settings = std::make_shared<intake::Settings>();
    settings->hostname = "mx.example.org";
    return settings;
  }();
  std::shared_ptr<outbound::Settings> for_outbound_ = [] {
    auto settings = std::make_shared<outbound::Settings>();
    settings->hostname = "mx.example.org";
    settings->classes = outbound::ReplyClasses::shipped();
    return settings;
  }();
  std::shared_ptr<scheduler::Settings> for_scheduler_ = [] {
    auto settings = std::make_shared<scheduler::Settings>();
    settings->hostname = "mx.example.org";
    settings->retry = {std::chrono::minutes(1)};
    return settings;
  }();
  std::shared_ptr<smtpd::Settings> for_smtpd_ = [] {
    auto settings = std::make_shared<smtpd::Settings>();
    settings->hostname = "mx.example.org";
    settings->relay_from = {*parse_network("192.0.2.0/24")};
    return settings;
  }();
  std::shared_ptr<const routing::MxSites::Settings> for_mx_ = std::make_shared<routing::MxSites::Settings>();
  routing::MxSites mx_{dns_, loop_.clock(), random_, [this] { return for_mx_; }};
  std::unique_ptr<intake::Intake> intake_;
  std::unique_ptr<outbound::Outbound> outbound_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::unique_ptr<smtpd::Context> smtpd_;
};

}  // namespace
}  // namespace godwit

int main(int count, char** words) {
  const std::set<std::string> wanted(words + std::min(count, 2), words + count);
  godwit::World world(wanted.contains("trace"), wanted.contains("events"));
  world.run(count > 1 ? std::strtoul(words[1], nullptr, 10) : 1'000);
}
