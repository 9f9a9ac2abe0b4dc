#pragma once
// A stream whose bytes are compressed on the way (RFC 1951, raw), both directions: IMAP's COMPRESS=DEFLATE (RFC 4978) lies on a connection
// that is already under way.
//
// Takes the stream it lies on. Every write() ends in a sync flush, so that the peer can read all of it. Memory: some 300 KiB a connection,
// whatever comes; what a peer inflates is handed out as it is asked for, so a little that becomes a lot fills nothing.

#include <memory>

#include "edge/net/stream.h"

namespace godwit::net {

std::unique_ptr<Stream> make_deflate_stream(std::unique_ptr<Stream> plain);

}  // namespace godwit::net
