#include "testing/memory_stream.h"

#include <algorithm>
#include <cstring>

namespace godwit::testing {
namespace {

using net::Stream;

// One direction: bytes written by one end, read by the other.
struct Pipe {
  std::string bytes;
  bool ended = false;   // the writer closed
  bool broken = false;  // the reader closed
  std::size_t acknowledged = 0;
  Timer* reader = nullptr;
  Timer* writer = nullptr;

  void changed() {
    if (reader) reader->wake();
    if (writer) writer->wake();
  }
};

// Who waits can be woken for as long as the wait lasts, however it ends: a loop that dies destroys the coroutine in it.
class WaitingIn {
 public:
  WaitingIn(Timer*& slot, Timer& timer) : slot_(slot), timer_(timer) { slot_ = &timer; }
  ~WaitingIn() {
    if (slot_ == &timer_) slot_ = nullptr;
  }
  WaitingIn(const WaitingIn&) = delete;
  WaitingIn& operator=(const WaitingIn&) = delete;

 private:
  Timer*& slot_;
  Timer& timer_;
};

class MemoryStream final : public Stream {
 public:
  MemoryStream(Clock& clock, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, Endpoint local, Endpoint remote,
               MemoryStreamOptions options)
      : clock_(clock), in_(std::move(in)), out_(std::move(out)), local_(local), remote_(remote), options_(options) {}
  ~MemoryStream() override { close(); }

  Task<Result<std::size_t>> read(std::span<char> into, Duration timeout) override {
    GODWIT_CO_TRY(co_await wait_readable(timeout));
    std::size_t count = std::min(into.size(), in_->bytes.size());
    if (options_.segment != 0) count = std::min(count, options_.segment);
    std::memcpy(into.data(), in_->bytes.data(), count);
    in_->bytes.erase(0, count);
    in_->changed();
    co_return count;
  }

  Task<Result<void>> wait_readable(Duration timeout) override {
    const auto pipe = in_;
    auto ready = [&] { return !pipe->bytes.empty() || pipe->ended; };
    co_return co_await wait(pipe->reader, timeout, ready);
  }

  Task<Result<void>> write(std::string_view bytes, Duration timeout) override {
    const auto pipe = out_;
    while (!bytes.empty()) {
      auto ready = [&] { return pipe->broken || pipe->bytes.size() < options_.window; };
      GODWIT_CO_TRY(co_await wait(pipe->writer, timeout, ready));
      if (pipe->broken) co_return fail(Error::temporary(Error::Cause::closed, "the peer closed the connection"));
      const auto piece = bytes.substr(0, options_.window - pipe->bytes.size());
      pipe->bytes += piece;
      bytes.remove_prefix(piece.size());
      pipe->changed();
    }
    co_return Result<void>{};
  }

  void close() override {
    if (std::exchange(closed_, true)) return;
    out_->ended = true;
    out_->changed();
    in_->broken = true;
    in_->changed();
  }

  void cancel() override {
    cancelled_ = true;
    in_->changed();
    out_->changed();
  }

  void acknowledge_now() override { ++in_->acknowledged; }
  std::size_t acknowledged() const { return in_->acknowledged; }
  std::size_t acknowledged_by_peer() const { return out_->acknowledged; }

  const Endpoint& remote() const override { return remote_; }
  const Endpoint& local() const override { return local_; }

 private:
  template <class Ready>
  Task<Result<void>> wait(Timer*& slot, Duration timeout, Ready& ready) {
    const SteadyTime deadline = clock_.steady() + timeout;
    cancelled_ = false;
    while (!ready()) {
      if (closed_) co_return fail(Error::temporary(Error::Cause::closed, "this end is closed"));
      auto executor = co_await this_executor();
      auto timer = clock_.make_timer(executor);
      const WaitingIn waiting(slot, *timer);
      const bool elapsed = co_await timer->wait_until(deadline);
      if (cancelled_) co_return fail(Error::temporary(Error::Cause::cancelled, "cancelled"));
      if (elapsed && !ready()) co_return fail(Error::temporary(Error::Cause::timed_out, "timed out"));
    }
    co_return Result<void>{};
  }

  Clock& clock_;
  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  Endpoint local_;
  Endpoint remote_;
  MemoryStreamOptions options_;
  bool closed_ = false;
  bool cancelled_ = false;
};

class FakeTlsStream final : public Stream {
 public:
  FakeTlsStream(std::unique_ptr<Stream> plain, std::string server_name)
      : plain_(std::move(plain)), info_{"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, false, std::move(server_name)} {}

  Task<Result<std::size_t>> read(std::span<char> into, Duration timeout) override { return plain_->read(into, timeout); }
  Task<Result<void>> wait_readable(Duration timeout) override { return plain_->wait_readable(timeout); }
  Task<Result<void>> write(std::string_view bytes, Duration timeout) override { return plain_->write(bytes, timeout); }
  void close() override { plain_->close(); }
  void cancel() override { plain_->cancel(); }
  void acknowledge_now() override { plain_->acknowledge_now(); }
  const Endpoint& remote() const override { return plain_->remote(); }
  const Endpoint& local() const override { return plain_->local(); }
  const net::TlsInfo* tls() const override { return &info_; }
  const Stream& plain() const { return *plain_; }

 private:
  std::unique_ptr<Stream> plain_;
  net::TlsInfo info_;
};

const MemoryStream* memory_stream(const Stream& end) {
  if (const auto* tls = dynamic_cast<const FakeTlsStream*>(&end)) return memory_stream(tls->plain());
  return dynamic_cast<const MemoryStream*>(&end);
}

}  // namespace

std::size_t acknowledgements(const Stream& end) {
  const MemoryStream* stream = memory_stream(end);
  return stream ? stream->acknowledged() : 0;
}

std::size_t peer_acknowledgements(const Stream& end) {
  const MemoryStream* stream = memory_stream(end);
  return stream ? stream->acknowledged_by_peer() : 0;
}

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_memory_streams(Clock& clock, MemoryStreamOptions options) {
  auto to_server = std::make_shared<Pipe>();
  auto to_client = std::make_shared<Pipe>();
  auto server = std::make_unique<MemoryStream>(clock, to_server, to_client, options.server, options.client, options);
  MemoryStreamOptions whole = options;
  whole.segment = 0;
  auto client = std::make_unique<MemoryStream>(clock, to_client, to_server, options.client, options.server, whole);
  return {std::move(server), std::move(client)};
}

Task<Result<std::unique_ptr<Stream>>> FakeTls::accept(std::unique_ptr<Stream> plain, Duration /*timeout*/) {
  if (std::exchange(fail_next, false)) co_return fail(Error::temporary(Error::Cause::io, "TLS handshake failed"));
  std::unique_ptr<Stream> wrapped = std::make_unique<FakeTlsStream>(std::move(plain), "");
  co_return wrapped;
}

Task<Result<std::unique_ptr<Stream>>> FakeTls::connect(std::unique_ptr<Stream> plain, std::string server_name, Duration /*timeout*/,
                                                       net::Cancellation* /*cancel*/) {
  server_names.push_back(server_name);
  if (std::exchange(fail_next, false)) co_return fail(Error::temporary(Error::Cause::io, "TLS handshake failed"));
  std::unique_ptr<Stream> wrapped = std::make_unique<FakeTlsStream>(std::move(plain), std::move(server_name));
  co_return wrapped;
}

}  // namespace godwit::testing
