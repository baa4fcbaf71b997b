"""Show the whole way of the sample exports, from files to a consumer of the streams."""
