#include "frontend/imapd/session.h"

namespace godwit::imapd {

// RFC 4978. Everything behind the reply is compressed: Session::begin_compression().
Task<Reply> Session::cmd(imap::Compress /*command*/) {
  if (compressed_) co_return Reply::no("The connection is compressed already", "[COMPRESSIONACTIVE] ");
  if (reader_.buffered()) co_return Reply::bad("Nothing may follow COMPRESS before its answer");
  compress_ = true;
  co_return Reply::ok("Compression begins");
}

}  // namespace godwit::imapd
