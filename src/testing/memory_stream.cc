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
  Timer* reader = nullptr;
  Timer* writer = nullptr;

  void changed() {
    if (reader) reader->wake();
    if (writer) writer->wake();
  }
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
      slot = timer.get();
      const bool elapsed = co_await timer->wait_until(deadline);
      slot = nullptr;
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
  const Endpoint& remote() const override { return plain_->remote(); }
  const Endpoint& local() const override { return plain_->local(); }
  const net::TlsInfo* tls() const override { return &info_; }

 private:
  std::unique_ptr<Stream> plain_;
  net::TlsInfo info_;
};

}  // namespace

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

Task<Result<std::unique_ptr<Stream>>> FakeTls::connect(std::unique_ptr<Stream> plain, std::string server_name, Duration /*timeout*/) {
  if (std::exchange(fail_next, false)) co_return fail(Error::temporary(Error::Cause::io, "TLS handshake failed"));
  std::unique_ptr<Stream> wrapped = std::make_unique<FakeTlsStream>(std::move(plain), std::move(server_name));
  co_return wrapped;
}

}  // namespace godwit::testing
