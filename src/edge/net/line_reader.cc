#include "edge/net/line_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace godwit::net {
namespace {

constexpr std::size_t kFirstRoom = 16 * 1024;
constexpr std::size_t kSegment = 1'460;          // of TCP on Ethernet: less than that is held back by Nagle's algorithm
constexpr std::size_t kLargestRoom = 64 * 1024;  // for bodies: fewer, larger reads

// Buffers that sessions of this loop gave back: the next that needs one takes it, so that busy sessions allocate nothing.
struct Spares {
  std::size_t size;
  std::size_t most;
  std::vector<std::string> buffers;
};
thread_local Spares spare_first{kFirstRoom, 32, {}};
thread_local Spares spare_largest{kLargestRoom, 8, {}};

std::string take(Spares& spares) {
  if (spares.buffers.empty()) return std::string(spares.size, '\0');
  std::string buffer = std::move(spares.buffers.back());
  spares.buffers.pop_back();
  return buffer;
}

void give_back(std::string buffer) {
  for (Spares* spares : {&spare_first, &spare_largest})
    if (buffer.size() == spares->size && spares->buffers.size() < spares->most) return spares->buffers.push_back(std::move(buffer));
}

Error closed() { return Error::temporary(Error::Cause::closed, "the peer ended the connection"); }

}  // namespace

std::optional<Result<std::string_view>> LineReader::buffered_line(bool strict) {
  while (true) {
    const std::string_view bytes = rest();
    const std::size_t newline = bytes.find('\n', scanned_);
    if (newline == std::string_view::npos) {
      scanned_ = bytes.size();
      if (skipping_) {
        discard();
      } else if (bytes.size() >= max_line_) {
        discard();
        skipping_ = true;
        return fail(Error::permanent(Error::Cause::limit, "line too long"));
      }
      return std::nullopt;
    }
    begin_ += newline + 1;
    scanned_ = 0;
    if (std::exchange(skipping_, false)) continue;
    if (newline + 1 > max_line_) return fail(Error::permanent(Error::Cause::limit, "line too long"));
    const bool crlf = newline > 0 && bytes[newline - 1] == '\r';
    if (strict && !crlf) return fail(Error::syntax("a line must end in CRLF, not in a bare LF", newline));
    return bytes.substr(0, crlf ? newline - 1 : newline);
  }
}

Task<Result<std::string_view>> LineReader::read_line(Stream& stream, Duration timeout, bool strict) {
  while (true) {
    if (auto line = buffered_line(strict)) co_return *std::move(line);
    GODWIT_CO_ASSIGN(const std::size_t count, co_await fill(stream, timeout, For::line));
    if (count == 0) co_return fail(closed());
  }
}

Task<Result<std::string_view>> LineReader::read_some(Stream& stream, Duration timeout) {
  if (!buffered()) GODWIT_CO_TRY(co_await fill(stream, timeout, For::block));
  co_return rest();
}

void LineReader::consume(std::size_t bytes) {
  GODWIT_CHECK(bytes <= end_ - begin_);
  begin_ += bytes;
  scanned_ = 0;
}

bool LineReader::has_line() const {
  const std::string_view bytes = rest();
  const std::size_t newline = bytes.find('\n');
  if (newline == std::string_view::npos || !skipping_) return newline != std::string_view::npos;
  return bytes.find('\n', newline + 1) != std::string_view::npos;
}

void LineReader::discard() { begin_ = end_ = scanned_ = 0; }

Task<Result<std::size_t>> LineReader::fill(Stream& stream, Duration timeout, For purpose) {
  // Between the pieces of a large body, nothing but this wait is held.
  if (!buffered() && !more_ && buffer_.size() > kFirstRoom) {
    release();
    GODWIT_CO_TRY(co_await stream.wait_readable(timeout));
  }
  // Half a line, or a body in small pieces: the rest may be waiting for our acknowledgement.
  if (buffered() || (purpose == For::block && short_)) stream.acknowledge_now();
  const std::span<char> room = make_room(purpose);
  GODWIT_CO_ASSIGN(const std::size_t count, co_await stream.read(room, timeout));
  more_ = count == room.size();
  short_ = purpose == For::block && count < kSegment;
  end_ += count;
  co_return count;
}

std::span<char> LineReader::make_room(For purpose) {
  if (!buffered()) {
    begin_ = end_ = scanned_ = 0;
    if (purpose == For::line && !more_) release();
  }
  if (!large() && (more_ || purpose == For::block)) grow();
  std::span<char> room = large() ? std::span<char>(buffer_) : std::span<char>(small_);
  if (begin_ > 0) {
    std::memmove(room.data(), room.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const bool full = end_ == room.size();
  const bool streaming = end_ == 0 && more_ && room.size() < kLargestRoom;
  if (full || streaming) {
    grow();
    room = buffer_;
  }
  return room.subspan(end_);
}

void LineReader::grow() {
  std::string larger;
  if (!large())
    larger = take(spare_first);
  else if (buffer_.size() < kLargestRoom)
    larger = take(spare_largest);
  else
    larger.resize(buffer_.size() * 2);  // one line of that length, which the owner allowed
  std::memcpy(larger.data(), data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  give_back(std::exchange(buffer_, std::move(larger)));
}

void LineReader::release() {
  begin_ = end_ = scanned_ = 0;
  give_back(std::exchange(buffer_, std::string()));
}

}  // namespace godwit::net
