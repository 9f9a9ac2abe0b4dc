#include "frontend/imapd/output.h"

namespace godwit::imapd {
namespace {

constexpr std::size_t kKept = 4 * 1024;  // what an idle session may hold on to

}  // namespace

void Output::untagged(std::string_view text) {
  buffer_ += "* ";
  buffer_ += text;
  buffer_ += "\r\n";
}

Task<> Output::flush() {
  if (buffer_.empty()) co_return;
  if (broken_ || stream_ == nullptr) {
    buffer_.clear();
    co_return;
  }
  const auto done = co_await stream_->write(buffer_, write_timeout_);
  written_ += buffer_.size();
  if (!done) broken_ = true;
  if (buffer_.capacity() > kKept)
    buffer_ = std::string();
  else
    buffer_.clear();
}

Task<> Output::flush_if_large() {
  if (large()) co_await flush();
}

}  // namespace godwit::imapd
