#include "net/core.h"

#include <system_error>

namespace sallyport::net {

void* Core::run(void* self) {
  pthread_setname_np(pthread_self(), "core");
  static_cast<Core*>(self)->loop_.run();
  return nullptr;
}

void Core::start() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackSize);
  const int error = pthread_create(&thread_, &attributes, &Core::run, this);
  pthread_attr_destroy(&attributes);
  if (error != 0) throw std::system_error(error, std::generic_category(), "cannot start a thread with a 64 MiB stack");
  is_running_ = true;
}

void Core::stop() {
  if (!is_running_) return;
  is_running_ = false;
  loop_.stop();
  pthread_join(thread_, nullptr);
}

}  // namespace sallyport::net
