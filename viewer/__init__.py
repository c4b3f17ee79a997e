"""What people see: the 3D scene, the apps, the public site, the command line. Nobody imports it."""
