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

  std::unique_ptr<Stream> plain_;
  z_stream inflate_{};
  z_stream deflate_{};
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

Task<Result<std::size_t>> DeflateStream::read(std::span<char> into, Duration timeout) {
  while (!over_) {
    GODWIT_CO_ASSIGN(const std::size_t taken, take(into));
    if (taken > 0) co_return taken;
    if (over_) break;
    in_.resize(kPiece);
    GODWIT_CO_ASSIGN(const std::size_t came, co_await plain_->read(std::span<char>(in_), timeout));
    if (came == 0) over_ = true;
    inflate_.next_in = bytes_of(in_.data());
    inflate_.avail_in = static_cast<uInt>(came);
  }
  co_return std::size_t{0};
}

// Input that is left may still give nothing; read() waits on then, which only a peer that sends bit by bit can notice.
Task<Result<void>> DeflateStream::wait_readable(Duration timeout) {
  if (over_ || more_ || inflate_.avail_in > 0) co_return Result<void>{};
  co_return co_await plain_->wait_readable(timeout);
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
