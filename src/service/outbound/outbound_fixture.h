#pragma once
// What the tests of the client share: fake servers on a fake network, message bytes in memory, a manual clock, jobs and their outcomes.

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "service/outbound/outbound.h"
#include "service/outbound/tenants.h"
#include "service/outbound/warmup.h"
#include "testing/fake_resolver.h"
#include "testing/fake_smtp_server.h"
#include "testing/memory_blobs.h"
#include "testing/memory_stream.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::outbound {

// What became of a job.
struct JobResult {
  std::vector<queue::Outcome> outcomes;
  int calls = 0;
};

class RecordingTrace final : public trace::Trace {
 public:
  void keys(MessageId /*id*/, trace::Keys /*keys*/) override {}
  void add(MessageId /*id*/, std::string_view kind, std::string detail) override { lines.push_back(std::string(kind) + ": " + detail); }
  void finish(MessageId /*id*/) override {}
  Task<Result<std::vector<trace::Event>>> events(MessageId /*id*/) override { co_return std::vector<trace::Event>(); }
  Task<Result<std::vector<MessageId>>> find(std::string /*text*/, std::size_t /*limit*/) override { co_return std::vector<MessageId>(); }
  void stop() override {}
  std::vector<std::string> lines;
};

class OutboundTest : public ::testing::Test {
 protected:
  static constexpr auto kPort = 2600;

  OutboundTest() {
    settings_->hostname = "mx.example.org";
    network_.listen(at(1), server_);
    outbound_ = make_outbound(Context{network_, tls_, [this](std::string host) { return resolve(std::move(host)); }, dns_,
                                      [this](const Endpoint& where) { return where == ourselves_; }, blobs_, loop_.clock(), random_, trace_,
                                      tasks_, loop_.executor(), [this] { return std::shared_ptr<const Settings>(settings_); },
                                      [this](std::string path, Duration, net::Cancellation*) { return dial_socket(std::move(path)); },
                                      nullptr, warmup_, tenants_});
    site_ = site_of({"127.0.0.1"});
  }
  ~OutboundTest() override {
    outbound_->drain();
    loop_.advance(std::chrono::hours(3));
    EXPECT_EQ(tasks_.running(), 0u);
  }

  static Endpoint at(std::uint8_t last) { return {{false, {127, 0, 0, last}}, kPort}; }

  static std::shared_ptr<const routing::Site> site_of(const std::vector<std::string>& hosts) {
    auto site = std::make_shared<routing::Site>();
    for (const std::string& host : hosts) {
      site->hops.push_back({routing::Hop::Protocol::smtp, host, kPort, static_cast<std::uint16_t>(site->hops.size())});
      site->name += (site->name.empty() ? "" : ",") + site->hops.back().text();
    }
    return site;
  }

  Task<Result<std::vector<IpAddress>>> resolve(std::string host) {
    const auto found = names_.find(host);
    if (found == names_.end()) co_return fail(Error::temporary(Error::Cause::not_found, "no such host"));
    co_return found->second;
  }

  // At "/run/lmtp" listens server_.
  Task<Result<std::unique_ptr<net::Stream>>> dial_socket(std::string path) {
    if (path != "/run/lmtp") co_return fail(Error::temporary(Error::Cause::not_found, "connect to " + path + ": there is no such socket"));
    auto executor = co_await this_executor();
    auto streams = testing::make_memory_streams(loop_.clock());
    net::spawn(executor, tasks_, "fake server", server_.serve(std::move(streams.first)));
    co_return std::move(streams.second);
  }

  // A site whose hops are written as in a route.
  static std::shared_ptr<routing::Site> route_site(const std::vector<std::string>& hops) {
    auto site = std::make_shared<routing::Site>();
    for (const std::string& text : hops) {
      site->hops.push_back(*routing::parse_hop(text));
      site->hops.back().tier = static_cast<std::uint16_t>(site->hops.size() - 1);
      site->name += (site->name.empty() ? "" : ",") + site->hops.back().text();
    }
    return site;
  }

  store::BlobId store_bytes(std::string bytes) { return loop_.run(write_blob(std::move(bytes))); }
  Task<store::BlobId> write_blob(std::string bytes) {
    auto writer = blobs_.begin(0, 0);
    GODWIT_CHECK(co_await writer->append(bytes));
    const auto id = co_await writer->finish();
    GODWIT_CHECK(co_await writer->synced());
    co_return *id;
  }

  std::shared_ptr<queue::Message> message(std::vector<std::string> to, std::string body = "Subject: x\r\n\r\nHello\r\n") {
    auto out = std::make_shared<queue::Message>();
    out->id = MessageId{++messages_ << 23};
    out->reverse_path = smtp::ReversePath(*smtp::parse_address("anna@example.org"));
    for (const std::string& text : to) {
      queue::Recipient recipient;
      recipient.address = *smtp::parse_address(text);
      out->recipients.push_back(std::move(recipient));
    }
    out->prefix = "Received: by mx.example.org\r\n";
    out->size = body.size();
    out->blob = store_bytes(std::move(body));
    return out;
  }

  std::shared_ptr<JobResult> offer(std::shared_ptr<const queue::Message> to_send, std::shared_ptr<const routing::Site> site = nullptr) {
    auto result = std::make_shared<JobResult>();
    Job job;
    job.site = site ? site : site_;
    job.message = to_send;
    for (std::size_t i = 0; i < to_send->recipients.size(); ++i) job.recipients.push_back(i);
    job.done = [result](std::vector<queue::Outcome> outcomes) {
      result->outcomes = std::move(outcomes);
      ++result->calls;
    };
    outbound_->offer(std::move(job));
    return result;
  }
  // Offers one message to bob@example.net and lets everything happen that needs no time.
  std::shared_ptr<JobResult> send_one(std::string body = "Subject: x\r\n\r\nHello\r\n") {
    auto result = offer(message({"bob@example.net"}, std::move(body)));
    loop_.poll();
    return result;
  }

  void answer(std::string prefix, std::string reply) {
    server_.on_command = [prefix = std::move(prefix), reply = std::move(reply)](const std::string& command,
                                                                                std::size_t) -> std::optional<std::string> {
      return command.starts_with(prefix) ? std::optional(reply) : std::nullopt;
    };
  }

  // "delivered 2.0.0", "deferred 4.4.1 down", once a recipient; "?" while the job is not done
  static std::string summary(const JobResult& result) {
    if (result.calls != 1) return result.calls == 0 ? "?" : "called too often";
    std::string out;
    for (const queue::Outcome& outcome : result.outcomes) {
      static constexpr std::string_view kKinds[] = {"delivered", "deferred", "bounced"};
      if (!out.empty()) out += ", ";
      out += std::string(kKinds[static_cast<std::size_t>(outcome.kind)]) + " " + outcome.status.text() + (outcome.site_down ? " down" : "");
    }
    return out;
  }

  // The hosts of an MX set, with their preferences.
  static std::shared_ptr<const routing::Site> mx_site(const std::vector<std::pair<std::string, std::uint16_t>>& hosts) {
    auto site = std::make_shared<routing::Site>();
    site->by_mx = true;
    for (const auto& [host, preference] : hosts) {
      site->hops.push_back({routing::Hop::Protocol::smtp, host, kPort, preference});
      site->name += (site->name.empty() ? "" : ",") + host;
    }
    return site;
  }

  testing::TestLoop loop_;
  testing::SeededRandom random_{11};
  testing::FakeResolver dns_{loop_.clock()};
  testing::FakeTls tls_;
  Endpoint ourselves_;
  testing::MemoryBlobs blobs_;
  net::TaskGroup tasks_;
  testing::FakeNetwork network_{loop_.clock(), tasks_};
  testing::FakeSmtpServer server_;
  RecordingTrace trace_;
  std::shared_ptr<WarmupLedger> warmup_ = std::make_shared<WarmupLedger>();
  std::shared_ptr<TenantStops> tenants_ = std::make_shared<TenantStops>();
  std::shared_ptr<Settings> settings_ = std::make_shared<Settings>();
  std::map<std::string, std::vector<IpAddress>> names_;
  std::unique_ptr<Outbound> outbound_;
  std::shared_ptr<const routing::Site> site_;
  std::uint64_t messages_ = 0;
};

}  // namespace godwit::outbound
