#include "service/outbound/message_body.h"

#include <algorithm>

#include "service/outbound/limits.h"

namespace godwit::outbound {
namespace {

Task<Result<std::string>> read_piece(store::Blobs& blobs, const queue::Message& message, std::uint64_t offset) {
  const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, message.size - offset));
  GODWIT_CO_ASSIGN(std::string piece, co_await blobs.read(message.blob, offset, length));
  if (piece.size() != length) co_return fail(Error::permanent(Error::Cause::corrupt, "the stored message is shorter than it was"));
  co_return piece;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

Task<Result<void>> MessageBody::append_next(std::string& out) {
  if (!begun_) {
    begun_ = true;
    GODWIT_CO_TRY(writer_.append(out, message_->prefix));
  }
  if (offset_ < message_->size) {
    GODWIT_CO_ASSIGN(const std::string piece, co_await read_piece(*blobs_, *message_, offset_));
    offset_ += piece.size();
    GODWIT_CO_TRY(writer_.append(out, piece));
  }
  if (offset_ == message_->size) {
    complete_ = true;
    co_return writer_.finish(out);
  }
  co_return Result<void>{};
}

Task<Result<bool>> is_seven_bit(store::Blobs& blobs, std::shared_ptr<const queue::Message> message, Extent extent) {
  if (!is_ascii(message->prefix)) co_return false;
  std::string seam;  // the last three bytes of the piece before and the first three of this one: an empty line may lie across
  for (std::uint64_t offset = 0; offset < message->size;) {
    GODWIT_CO_ASSIGN(const std::string piece, co_await read_piece(blobs, *message, offset));
    std::string_view part = piece;
    if (extent == Extent::header) {
      seam += piece.substr(0, 3);
      if (seam.find("\r\n\r\n") != std::string::npos || (offset == 0 && piece.starts_with("\r\n"))) co_return true;
      part = part.substr(0, piece.find("\r\n\r\n"));
      seam = piece.substr(piece.size() - std::min<std::size_t>(piece.size(), 3));
    }
    if (!is_ascii(part)) co_return false;
    if (part.size() < piece.size()) co_return true;
    offset += piece.size();
  }
  co_return true;
}

}  // namespace godwit::outbound
