#pragma once
// A stream whose reads end at a moment, however often a byte arrives: for the time that a whole command line may take.
// A view on another stream, for the length of one wait, on its loop; costs no coroutine of its own. Errors are the stream's.

#include <algorithm>

#include "edge/net/stream.h"

namespace godwit::net {

class DeadlineStream final : public Stream {
 public:
  DeadlineStream(Stream& stream, const Clock& clock, SteadyTime deadline) : stream_(stream), clock_(clock), deadline_(deadline) {}

  Task<Result<std::size_t>> read(std::span<char> into, Duration timeout) override { return stream_.read(into, left(timeout)); }
  Task<Result<void>> wait_readable(Duration timeout) override { return stream_.wait_readable(left(timeout)); }
  Task<Result<void>> write(std::string_view bytes, Duration timeout) override { return stream_.write(bytes, timeout); }
  void close() override { stream_.close(); }
  void cancel() override { stream_.cancel(); }
  void acknowledge_now() override { stream_.acknowledge_now(); }
  const Endpoint& remote() const override { return stream_.remote(); }
  const Endpoint& local() const override { return stream_.local(); }
  const TlsInfo* tls() const override { return stream_.tls(); }
  std::optional<PeerCredentials> credentials() const override { return stream_.credentials(); }

 private:
  Duration left(Duration timeout) const {
    const auto until = std::chrono::duration_cast<Duration>(deadline_ - clock_.steady());
    return std::clamp(until, Duration(0), timeout);
  }

  Stream& stream_;
  const Clock& clock_;
  SteadyTime deadline_;
};

}  // namespace godwit::net
