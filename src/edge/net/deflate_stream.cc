#include "edge/net/deflate_stream.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <string>

namespace godwit::net {
namespace {

constexpr int kRaw = -MAX_WBITS;  // RFC 1951 without the header and the trailer of zlib
constexpr int kLevel = 3;         // mail is text: beyond this a few percent less for twice the time
constexpr int kMemoryLevel = 8;   // zlib's own choice
constexpr std::size_t kPiece = 16 * 1024;
constexpr std::size_t kAhead = 1024;

// zlib's streams point into themselves: never moved.
class DeflateStream final : public Stream {
 public:
  explicit DeflateStream(std::unique_ptr<Stream> plain) : plain_(std::move(plain)) {
    GODWIT_CHECK(::inflateInit2(&inflate_, kRaw) == Z_OK);
    GODWIT_CHECK(::deflateInit2(&deflate_, kLevel, Z_DEFLATED, kRaw, kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~DeflateStream() override {
    ::inflateEnd(&inflate_);
    ::deflateEnd(&deflate_);
  }

  Task<Result<std::size_t>> read(std::span<char> into, Duration timeout) override;
  Task<Result<void>> wait_readable(Duration timeout) override;
  Task<Result<void>> write(std::string_view bytes, Duration timeout) override;
  void close() override { plain_->close(); }
  void cancel() override { plain_->cancel(); }
  void acknowledge_now() override { plain_->acknowledge_now(); }
  const Endpoint& remote() const override { return plain_->remote(); }
  const Endpoint& local() const override { return plain_->local(); }
  const TlsInfo* tls() const override { return plain_->tls(); }
  std::optional<PeerCredentials> credentials() const override { return plain_->credentials(); }

 private:
  Result<std::size_t> take(std::span<char> into);
  Task<Result<void>> fetch(Duration timeout);

  std::unique_ptr<Stream> plain_;
  z_stream inflate_{};
  z_stream deflate_{};
  std::string ahead_;  // inflated by wait_readable(), for the next read()
  std::string in_;     // compressed, as it came; inflate_.next_in points into it
  bool more_ = false;  // the last inflate() filled all its room: there may be more without a byte from the peer
  bool over_ = false;  // the peer has ended its direction
};

Bytef* bytes_of(char* data) { return reinterpret_cast<Bytef*>(data); }

// What can be had without the peer; 0: nothing yet.
Result<std::size_t> DeflateStream::take(std::span<char> into) {
  if (inflate_.avail_in == 0 && !more_) return std::size_t{0};
  inflate_.next_out = bytes_of(into.data());
  inflate_.avail_out = static_cast<uInt>(std::min<std::size_t>(into.size(), 1u << 30));
  const uInt room = inflate_.avail_out;
  const int result = ::inflate(&inflate_, Z_SYNC_FLUSH);
  more_ = inflate_.avail_out == 0;
  if (result == Z_STREAM_END) over_ = true;
  // Z_BUF_ERROR: no progress was possible, which is no error
  if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END)
    return fail(Error::permanent(Error::Cause::closed, "the peer's compressed data is damaged"));
  return static_cast<std::size_t>(room - inflate_.avail_out);
}

// More from the peer, all before having been inflated.
Task<Result<void>> DeflateStream::fetch(Duration timeout) {
  in_.resize(kPiece);
  GODWIT_CO_ASSIGN(const std::size_t came, co_await plain_->read(std::span<char>(in_), timeout));
  if (came == 0) over_ = true;
  inflate_.next_in = bytes_of(in_.data());
  inflate_.avail_in = static_cast<uInt>(came);
  co_return Result<void>{};
}

Task<Result<std::size_t>> DeflateStream::read(std::span<char> into, Duration timeout) {
  if (!ahead_.empty()) {
    const std::size_t count = ahead_.copy(into.data(), into.size());
    ahead_.erase(0, count);
    co_return count;
  }
  while (!over_) {
    GODWIT_CO_ASSIGN(const std::size_t taken, take(into));
    if (taken > 0) co_return taken;
    if (!over_) GODWIT_CO_TRY(co_await fetch(timeout));
  }
  co_return std::size_t{0};
}

// What comes may be the marker of a flush and no byte at all: only a byte, or the end, is something to read.
Task<Result<void>> DeflateStream::wait_readable(Duration timeout) {
  while (ahead_.empty() && !over_) {
    ahead_.resize(kAhead);
    const auto taken = take(std::span<char>(ahead_));
    ahead_.resize(taken.value_or(0));
    if (!taken) co_return fail(taken.error());
    if (!ahead_.empty() || over_) break;
    GODWIT_CO_TRY(co_await plain_->wait_readable(timeout));
    GODWIT_CO_TRY(co_await fetch(timeout));
  }
  co_return Result<void>{};
}

Task<Result<void>> DeflateStream::write(std::string_view bytes, Duration timeout) {
  std::string out;
  std::array<char, kPiece> piece;
  deflate_.next_in = bytes_of(const_cast<char*>(bytes.data()));  // zlib's old interface; it only reads
  deflate_.avail_in = static_cast<uInt>(bytes.size());
  do {
    deflate_.next_out = bytes_of(piece.data());
    deflate_.avail_out = static_cast<uInt>(piece.size());
    const int result = ::deflate(&deflate_, Z_SYNC_FLUSH);
    GODWIT_CHECK(result == Z_OK || result == Z_BUF_ERROR);
    out.append(piece.data(), piece.size() - deflate_.avail_out);
  } while (deflate_.avail_out == 0);
  co_return co_await plain_->write(out, timeout);
}

}  // namespace

std::unique_ptr<Stream> make_deflate_stream(std::unique_ptr<Stream> plain) { return std::make_unique<DeflateStream>(std::move(plain)); }

}  // namespace godwit::net
