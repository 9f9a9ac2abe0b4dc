#include "state/mailbox/message_bytes.h"

#include <algorithm>

namespace godwit::mailbox {

Task<Result<std::string>> read_bytes(store::Blobs& blobs, const Email& email, std::uint64_t offset, std::size_t length) {
  const auto size = email.size();
  if (offset >= size) co_return std::string();
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(length, size - offset));
  const std::uint64_t front = email.prefix.size();
  if (offset + wanted <= front) co_return email.prefix.substr(offset, wanted);
  const store::BlobId blob = email.blob;
  std::string out = offset < front ? email.prefix.substr(offset) : std::string();
  const std::uint64_t in_blob = offset < front ? 0 : offset - front;
  const std::size_t rest = wanted - out.size();
  GODWIT_CO_ASSIGN(auto bytes, co_await blobs.read(blob, in_blob, rest));
  if (bytes.size() != rest) co_return fail(Error::permanent(Error::Cause::corrupt, "a message's bytes are shorter than its record says"));
  if (out.empty()) co_return bytes;
  out += bytes;
  co_return out;
}

}  // namespace godwit::mailbox
