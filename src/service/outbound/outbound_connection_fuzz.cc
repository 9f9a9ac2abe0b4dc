// The client against a server that sends arbitrary bytes: no crash, no hang, and every message that was begun comes back exactly
// once: finished with an outcome for each recipient, or given back with some still open.
// Input: a byte of options (bit 0: bytes trickle one by one, bits 1-2: one to four messages, bit 3: we take STARTTLS where it is
// offered, bit 4: and the handshake fails, bit 5: LMTP, bit 6: we log in, bit 7: nothing without TLS), then what the server sends.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "service/outbound/connection.h"
#include "testing/memory_blobs.h"
#include "testing/memory_stream.h"
#include "testing/test_loop.h"

namespace {

using namespace godwit;

[[noreturn]] void fault(const char* what) {
  std::fprintf(stderr, "fault: %s\n", what);
  std::abort();
}

class Jobs final : public outbound::JobSource {
 public:
  explicit Jobs(std::size_t count) : left_(count) {}

  std::optional<outbound::Work> next() override {
    if (left_ == 0) return std::nullopt;
    --left_;
    ++out_;
    outbound::Job job;
    job.site = site_;
    job.message = message_;
    job.recipients = {0, 1, 2};
    return outbound::Work(std::move(job));
  }
  void finished(outbound::Work work) override {
    --out_;
    if (!work.open.empty() || work.outcomes.size() != 3) fault("finished, but not decided");
    for (const queue::Outcome& outcome : work.outcomes) {
      const unsigned wanted = outcome.kind == queue::Outcome::Kind::delivered ? 2 : outcome.kind == queue::Outcome::Kind::deferred ? 4 : 5;
      if (outcome.text.empty() || !outcome.status.present()) fault("an outcome that says nothing");
      if (outcome.status.status_class != wanted) fault("status and outcome differ");
    }
  }
  void give_back(outbound::Work work) override {
    --out_;
    if (work.open.empty()) fault("given back, but decided");
  }
  void check() const {
    if (out_ != 0) fault("a message was lost or came back twice");
  }

  std::shared_ptr<queue::Message> message_ = std::make_shared<queue::Message>();

 private:
  std::shared_ptr<routing::Site> site_ = std::make_shared<routing::Site>();
  std::size_t left_;
  int out_ = 0;
};

Task<> serve(std::unique_ptr<net::Stream> stream, std::string bytes, bool trickle) {
  const std::size_t step = trickle ? 1 : 64 * 1024;
  for (std::size_t i = 0; i < bytes.size(); i += step) {
    const auto written = co_await stream->write(std::string_view(bytes).substr(i, step), std::chrono::hours(1));
    if (!written) break;
    if (trickle) co_await yield_loop();
  }
  stream->close();
}

Task<> store_body(store::Blobs& blobs, queue::Message& message) {
  auto writer = blobs.begin(0, 0);
  ignore(co_await writer->append("Subject: x\r\n\r\n.Hello\r\n"), "memory");
  message.blob = *co_await writer->finish();
  message.size = writer->size();
}

outbound::Terms terms(unsigned options, const std::shared_ptr<net::TlsConnector>& tls) {
  outbound::Terms made;
  made.lmtp = (options & 32) != 0;
  made.server_name = "mx.peer.test";
  made.loopback = (options & 16) != 0;
  if ((options & (8 | 128)) != 0) {
    made.connector = tls;
    made.tls = (options & 128) != 0 ? routing::Tls::encrypt : routing::Tls::opportunistic;
    made.implicit_tls = (options & (8 | 128)) == (8 | 128);
  }
  if ((options & 64) != 0) made.login = sasl::Credentials{"", "anna", "secret"};
  made.nonce = "nonce";
  return made;
}

Task<> dialogue(outbound::Connection& connection, outbound::Terms asked, Jobs& jobs, bool& done) {
  const bool must_encrypt = asked.must_encrypt();
  const bool greeted = (co_await connection.greet("mx.example.org", std::move(asked))).has_value();
  if (greeted && connection.tls_failed()) fault("greeted, though TLS failed");
  if (greeted && must_encrypt && !connection.tls()) fault("plain text, though it must not be");
  if (greeted) co_await connection.carry(jobs, 100);
  co_await connection.quit();
  done = true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 32 * 1024) return 0;
  const unsigned options = data[0];
  testing::TestLoop loop;
  testing::MemoryBlobs blobs;
  Jobs jobs(1 + (options >> 1 & 3));
  queue::Message& message = *jobs.message_;
  message.prefix = "Received: x\r\n";
  for (const char* text : {"a@example.net", "b@example.net", "c@example.net"}) {
    queue::Recipient recipient;
    recipient.address = *smtp::parse_address(text);
    message.recipients.push_back(recipient);
  }
  loop.start(store_body(blobs, message));
  loop.poll();
  auto streams = testing::make_memory_streams(loop.clock());
  outbound::Connection connection(std::move(streams.second), "peer", blobs);
  const auto tls = std::make_shared<testing::FakeTls>();
  tls->fail_next = options & 16;
  bool done = false;
  loop.start(dialogue(connection, terms(options, tls), jobs, done));
  loop.start(serve(std::move(streams.first), std::string(reinterpret_cast<const char*>(data) + 1, size - 1), options & 1));
  loop.poll();
  if (!done) loop.advance(std::chrono::hours(2));
  if (!done) fault("the dialogue hangs");
  jobs.check();
  return 0;
}
