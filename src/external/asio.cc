// Asio's own sources, compiled once (BOOST_ASIO_SEPARATE_COMPILATION); see CMakeLists.txt.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
