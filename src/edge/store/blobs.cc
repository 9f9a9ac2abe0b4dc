#include "edge/store/blobs.h"

#include "base/bytes.h"
#include "base/encoding.h"

namespace godwit::store {

std::string BlobId::key() const {
  std::string out;
  append_be32(out, partition);
  append_be32(out, segment);
  append_be32(out, offset);
  return out;
}

std::string BlobId::text() const { return hex_encode(key()); }

Result<BlobId> parse_blob_key(std::string_view key) {
  if (key.size() < 12) return fail(Error::permanent(Error::Cause::corrupt, "a blob id has 12 bytes"));
  return BlobId{read_be32(key), read_be32(key.substr(4)), read_be32(key.substr(8))};
}

Task<Result<void>> copy_blob(Blobs& blobs, BlobId id, std::function<Task<Result<void>>(std::string_view)> sink) {
  constexpr std::size_t kPiece = 64 * 1024;
  for (std::uint64_t offset = 0;;) {
    GODWIT_CO_ASSIGN(const std::string piece, co_await blobs.read(id, offset, kPiece));
    if (piece.empty()) co_return Result<void>{};
    GODWIT_CO_TRY(co_await sink(piece));
    offset += piece.size();
    if (piece.size() < kPiece) co_return Result<void>{};
  }
}

}  // namespace godwit::store
