#pragma once
// A blocking client of a Unix socket, for small programs that have no loop (sendmail). One thread.

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace godwit::net {

class UnixClient {
 public:
  // `patience`: for each read and write. `not_found` if nobody listens there (no socket, or one left behind), `denied` without the
  // right to connect, else temporary.
  static Result<UnixClient> connect(const std::string& path, Duration patience);
  UnixClient(UnixClient&&) noexcept;
  UnixClient& operator=(UnixClient&&) = delete;
  ~UnixClient();

  Result<void> write(std::string_view bytes);
  // Without its CRLF or LF; at most 4 KiB. `closed` at the end.
  Result<std::string> read_line();

 private:
  struct Impl;
  explicit UnixClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::net
